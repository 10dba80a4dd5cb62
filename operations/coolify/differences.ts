import type { Difference, Unobserved } from "../drift/spec.ts";
import { settingOf, type Application, type EnvironmentVariable } from "./answers.ts";
import {
  differingFlags,
  imageOf,
  labelsOf,
  markOf,
  planReplica,
  revisionOf,
  variableRow,
  type Actual,
  type Replica,
} from "./plan.ts";
import type { ApplicationSpec } from "./spec.ts";
import { undeclaredSettings } from "./undeclared-settings.ts";

/** An application as declared, with what cannot be in its spec. */
export interface DeclaredApplication {
  readonly spec: ApplicationSpec;
  /** All variables with their values, secret ones included. */
  readonly values: Readonly<Record<string, string>>;
}

export interface Comparison {
  readonly differences: readonly Difference[];
  readonly unobserved: readonly Unobserved[];
}

/** Stands for a text that must not be shown: equal texts have equal marks, and the text cannot be found out from it. */
export type Mask = (text: string) => string;

/** Everything of one replica that is not as declared. Pure, and the other face of `planReplica`: what that would change is found here. */
export function replicaDifferences(
  { spec, values }: DeclaredApplication,
  replica: Replica,
  actual: Actual,
  mask: Mask,
): Comparison {
  const plan = planReplica(spec, replica, values, actual);
  const { application, variables } = actual;
  const part = replica.name;
  const hidden = application.custom_labels === undefined;
  const settings = plan.changed.filter(
    (name) => name !== "custom_labels" && !name.startsWith("docker_registry_image_"),
  );
  const differences: Difference[] = [
    ...imageDifference(spec, application, part),
    ...settings.map((name) => ({
      ...{ part, kind: "setting" as const, name },
      ...{ declared: shown(plan.patch[name]), found: shown(settingOf(application, name)) },
    })),
    ...undeclaredSettings(application).map(({ name, fallback, found, free }) => ({
      ...{ part, kind: "setting" as const, name },
      ...{ declared: shown(fallback), found: free ? mask(found) : shown(found) },
    })),
    ...(hidden || !plan.changed.includes("custom_labels")
      ? []
      : [labelDifference(part, labelsOf(application), labelLines(plan.patch.custom_labels))]),
    ...variableDifferences(part, values, variables, mask),
    ...descriptionDifference(spec, values, application, part),
    ...statusDifference(spec, application, part),
  ];
  const unseen = variables.filter((row) => !row.is_preview && row.value === undefined && row.key in values);
  const unobserved: Unobserved[] = [
    ...(hidden ? [{ part, what: "labels", reason: "the token lacks read:sensitive" }] : []),
    ...(unseen.length === 0
      ? []
      : [
          {
            part,
            what: `values of ${unseen.map(({ key }) => key).join(", ")}`,
            reason: "Coolify hides them from this token, or shows them once only",
          },
        ]),
  ];
  return { differences, unobserved };
}

function imageDifference(spec: ApplicationSpec, application: Application, part: string): Difference[] {
  const found = imageOf(application);
  if (found === spec.image) return [];
  const { docker_registry_image_name: name, docker_registry_image_tag: tag } = application;
  return [{ part, kind: "image", name: "image", declared: spec.image, found: found ?? `${name ?? ""}:${tag ?? ""}` }];
}

function variableDifferences(
  part: string,
  values: Readonly<Record<string, string>>,
  rows: readonly EnvironmentVariable[],
  mask: Mask,
): Difference[] {
  const production = new Map(rows.filter(({ is_preview }) => !is_preview).map((row) => [row.key, row]));
  const declared = Object.entries(values).flatMap(([name, value]): Difference[] => {
    const row = production.get(name);
    if (row === undefined) return [{ part, kind: "variable", name, declared: mask(value), found: null }];
    const flags = differingFlags(row, variableRow(name, value)).map((flag) => ({
      ...{ part, kind: "variable" as const, name: `${name} ${flag}` },
      ...{ declared: shown(variableRow(name, value)[flag]), found: shown(row[flag] ?? false) },
    }));
    const hidden = row.value === undefined;
    if (hidden || (row.value ?? "") === value) return flags;
    return [{ part, kind: "variable", name, declared: mask(value), found: mask(row.value ?? "") }, ...flags];
  });
  const others = [...new Set(rows.map(({ key }) => key))].filter((key) => !(key in values));
  return [
    ...declared,
    ...others.map((name): Difference => {
      const row = rows.find(({ key }) => key === name);
      return { part, kind: "variable", name, declared: null, found: mask(row?.value ?? "") };
    }),
  ];
}

/** Only keys are told: a label that somebody added may hold a password. */
function labelDifference(part: string, found: readonly string[], declared: readonly string[]): Difference {
  const keys = (lines: readonly string[]) =>
    new Map(lines.map((line) => [line.includes("=") ? line.slice(0, line.indexOf("=")) : "a line without =", line]));
  const [old, wanted] = [keys(found), keys(declared)];
  const missing = [...wanted.keys()].filter((key) => !old.has(key));
  const added = [...old.keys()].filter((key) => !wanted.has(key));
  const changed = [...wanted].filter(([key, line]) => old.has(key) && old.get(key) !== line).map(([key]) => key);
  const told = [
    ...(missing.length === 0 ? [] : [`${missing.length} missing (${some(missing)})`]),
    ...(added.length === 0 ? [] : [`${added.length} added (${some(added)})`]),
    ...(changed.length === 0 ? [] : [`${changed.length} changed (${some(changed)})`]),
  ];
  return {
    ...{ part, kind: "labels", name: "custom_labels", declared: `${declared.length} labels` },
    found: found.length === 0 ? null : told.join(", ") || "the same in another order",
  };
}

function some(names: readonly string[]): string {
  return names.length <= 3 ? names.join(", ") : `${names.slice(0, 3).join(", ")} and ${names.length - 3} more`;
}

function labelLines(encoded: unknown): string[] {
  return Buffer.from(String(encoded), "base64").toString().split("\n");
}

/** The mark tells what was last rolled out; a text of somebody else's is not repeated. */
function descriptionDifference(
  spec: ApplicationSpec,
  values: Readonly<Record<string, string>>,
  application: Application,
  part: string,
): Difference[] {
  const mark = markOf(application);
  const revision = revisionOf(spec, values);
  if (mark?.owner === spec.owner && mark.revision === revision) return [];
  const found =
    mark === null
      ? "not our mark"
      : mark.revision === null
        ? `owner ${mark.owner}, a rollout that did not end`
        : `owner ${mark.owner}, revision ${mark.revision}`;
  return [
    { part, kind: "description", name: "description", declared: `owner ${spec.owner}, revision ${revision}`, found },
  ];
}

function statusDifference(spec: ApplicationSpec, { status }: Application, part: string): Difference[] {
  const seen = status ?? "unknown";
  const right = spec.standby === true ? seen.startsWith("exited") : /^running(?!:unhealthy)/.test(seen);
  if (right) return [];
  return [
    { part, kind: "status", name: "status", declared: spec.standby === true ? "stopped" : "running", found: seen },
  ];
}

function shown(value: ReturnType<typeof settingOf>): string | null {
  return value === null || value === undefined || value === "" ? null : String(value);
}
