import { createHash } from "node:crypto";
import { settingOf, type Application, type EnvironmentVariable } from "./answers.ts";
import { assetLabels } from "./asset-labels.ts";
import { claims, nextPriority, replicaId, traefikLabels, type Routing } from "./labels.ts";
import type { ApplicationSpec } from "./spec.ts";

export interface Replica {
  /** Counted from 1. */
  readonly number: number;
  /** Its application's name in Coolify. */
  readonly name: string;
  /** What the replica header carries for it. */
  readonly id: string;
}

/** What Coolify says of one replica. */
export interface Actual {
  readonly application: Application;
  readonly variables: readonly EnvironmentVariable[];
  /** The other applications of the environment: their labels decide about priorities. None, unless given. */
  readonly others?: readonly Application[];
}

/** One value of one setting as it should be. */
type Setting = string | number | boolean;

export interface Plan {
  /** Sent with every change: Coolify regenerates labels when a request touches other fields, so labels go along each time. */
  readonly patch: Readonly<Record<string, Setting>>;
  /** Names of the settings that differ, for people. */
  readonly changed: readonly string[];
  /** Production rows to create or update, for `PATCH /envs/bulk`. */
  readonly variables: readonly VariableRow[];
  /** Rows nobody declared, with their preview twins. */
  readonly remove: readonly EnvironmentVariable[];
  /** The spec's revision differs from the one that was last rolled out. */
  readonly stale: boolean;
}

/** All flags, always: an omitted one is not neutral (379abb2, EnvironmentVariable.php). */
export interface VariableRow {
  readonly key: string;
  readonly value: string;
  readonly is_preview: false;
  readonly is_literal: true;
  readonly is_multiline: boolean;
  readonly is_shown_once: false;
  readonly is_runtime: true;
  readonly is_buildtime: false;
}

export function replicasOf(spec: ApplicationSpec): Replica[] {
  return Array.from({ length: spec.replicas }, (_, index) => replicaAt(spec, index + 1));
}

export function replicaAt({ name, image }: ApplicationSpec, number: number): Replica {
  return {
    number,
    name: number === 1 ? name : `${name}-${number}`,
    id: replicaId(number, digestOf(image)),
  };
}

/** Which replica an application's name is that of, wanted or not; null for other applications. */
export function numberOf({ name }: Pick<ApplicationSpec, "name">, application: string): number | null {
  if (application === name) return 1;
  const [, digits] = application.startsWith(`${name}-`)
    ? (/^-([2-9]|[1-9]\d+)$/.exec(application.slice(name.length)) ?? [])
    : [];
  return digits === undefined ? null : Number(digits);
}

/** `sha256:<hex>` of a pinned image. */
export function digestOf(image: string): string {
  return image.slice(image.indexOf("@") + 1);
}

export function routingOf(spec: ApplicationSpec): Routing {
  return {
    environment: spec.environment,
    name: spec.name,
    hosts: spec.hosts,
    tls: spec.tls,
    port: spec.port,
    healthPath: spec.health.path,
    // Absent rather than false: names of routers are made from the definition, and those in place must stay.
    ...(spec.standby === true ? { standby: true } : {}),
  };
}

/** Form A of a digest pin: plain name and the tag `sha256-<hex>`, the one form that POST and PATCH both take. */
export function imageFields(image: string): { docker_registry_image_name: string; docker_registry_image_tag: string } {
  return {
    docker_registry_image_name: image.slice(0, image.indexOf("@")),
    docker_registry_image_tag: digestOf(image).replace(":", "-"),
  };
}

/** The pinned image that Coolify's fields name, or null when they name a tag. */
export function imageOf(application: Application): string | null {
  const { docker_registry_image_name: name, docker_registry_image_tag: tag } = application;
  const [, hex] = /^(?:sha256-)?([0-9a-f]{64})$/.exec(tag ?? "") ?? [];
  return name && hex !== undefined ? `${name.replace(/@sha256$/, "")}@sha256:${hex}` : null;
}

/** Compares what is wanted with what Coolify says. Pure: the same function plans a rollout, shows a diff and finds drift. */
export function planReplica(
  spec: ApplicationSpec,
  replica: Replica,
  values: Readonly<Record<string, string>>,
  actual: Actual,
): Plan {
  const labels = desiredLabels(spec, replica, actual);
  const settings = desiredSettings(spec);
  const differing = Object.entries(settings).filter(
    ([name, value]) => !equal(settingOf(actual.application, name), value),
  );
  const labelsDiffer = labelsOf(actual.application).join("\n") !== labels.join("\n");
  const changed = [...differing.map(([name]) => name), ...(labelsDiffer ? ["custom_labels"] : [])];
  const stale = markOf(actual.application)?.revision !== revisionOf(spec, values);
  return {
    patch: { ...settings, custom_labels: encodeLabels(labels) },
    changed,
    ...planVariables(values, actual.variables, stale),
    stale,
  };
}

/**
 * Whether a row of the environment's list shows a replica as it should be. The row has neither the variables nor all settings: for
 * those the mark stands, which names the revision that was last seen to serve.
 */
export function looksSettled(
  spec: ApplicationSpec,
  replica: Replica,
  values: Readonly<Record<string, string>>,
  row: Application,
  others: readonly Application[],
): boolean {
  const differs = Object.entries(desiredSettings(spec)).some(
    ([name, value]) => name in row && !equal(settingOf(row, name), value),
  );
  const labels = desiredLabels(spec, replica, { application: row, others });
  return (
    !differs &&
    labelsOf(row).join("\n") === labels.join("\n") &&
    markOf(row)?.revision === revisionOf(spec, values) &&
    (isRunning(row) || spec.standby === true)
  );
}

export function isRunning({ status }: Pick<Application, "status">): boolean {
  return /^running/.test(status ?? "");
}

function desiredLabels(
  spec: ApplicationSpec,
  replica: Replica,
  { application, others = [] }: Pick<Actual, "application" | "others">,
): string[] {
  const routing = routingOf(spec);
  const replicas = others.filter(({ name }) => numberOf(spec, name) !== null);
  const inPlace = [application, ...replicas].flatMap(labelsOf);
  const neighbours = others.map(labelsOf).filter((labels) => claims(labels, spec.hosts));
  const priority = nextPriority(routing, inPlace, neighbours.flat());
  return [...traefikLabels(routing, { id: replica.id, priority }), ...assetLabels(spec)];
}

export function encodeLabels(labels: readonly string[]): string {
  return Buffer.from(labels.join("\n")).toString("base64");
}

/** The labels in place; empty when the token may not see them. */
export function labelsOf({ custom_labels: encoded }: Application): string[] {
  if (!encoded) return [];
  const text = encoded.includes("=") && encoded.includes(".") ? encoded : Buffer.from(encoded, "base64").toString();
  return text.split("\n").filter((line) => line !== "");
}

function desiredSettings(spec: ApplicationSpec): Record<string, Setting> {
  return {
    ...imageFields(spec.image),
    ports_exposes: String(spec.port),
    health_check_enabled: true,
    health_check_type: "http",
    health_check_scheme: "http",
    health_check_method: "GET",
    // localhost may resolve to ::1 while the application listens on 0.0.0.0.
    health_check_host: "127.0.0.1",
    health_check_port: String(spec.port),
    health_check_path: spec.health.startedPath ?? spec.health.path,
    health_check_interval: spec.health.intervalSeconds,
    health_check_timeout: spec.health.timeoutSeconds,
    health_check_retries: spec.health.retries,
    health_check_start_period: spec.health.startPeriodSeconds,
    stop_grace_period: spec.stopGracePeriodSeconds,
    custom_network_aliases: spec.name,
    limits_memory: spec.limits.memory ?? "0",
    limits_cpus: spec.limits.cpus ?? "0",
    is_auto_deploy_enabled: false,
    // Any of these makes Coolify stop the old container first, and then deploy without a gate.
    ports_mappings: "",
    is_consistent_container_name_enabled: false,
    custom_internal_name: "",
  };
}

function planVariables(
  values: Readonly<Record<string, string>>,
  rows: readonly EnvironmentVariable[],
  stale: boolean,
): Pick<Plan, "variables" | "remove"> {
  const production = new Map(rows.filter(({ is_preview }) => !is_preview).map((row) => [row.key, row]));
  return {
    variables: Object.entries(values).flatMap(([key, value]) => {
      const row = production.get(key);
      // A hidden value is unknown, not different: the revision in the description tells whether it was rolled out. Null is empty.
      const sameValue = row?.value === undefined ? !stale : (row.value ?? "") === value;
      const wanted = variableRow(key, value);
      return row !== undefined && sameValue && differingFlags(row, wanted).length === 0 ? [] : [wanted];
    }),
    remove: rows.filter(({ key }) => !(key in values)),
  };
}

/** The flags that decide whether and how a value reaches the container, and that are not as we set them. */
export function differingFlags(row: EnvironmentVariable, wanted: VariableRow): (keyof VariableRow & `is_${string}`)[] {
  const flags = ["is_literal", "is_multiline", "is_shown_once", "is_runtime", "is_buildtime"] as const;
  return flags.filter((flag) => (row[flag] ?? false) !== wanted[flag]);
}

export function variableRow(key: string, value: string): VariableRow {
  return {
    key,
    value,
    is_preview: false,
    is_literal: true,
    is_multiline: value.includes("\n"),
    is_shown_once: false,
    is_runtime: true,
    is_buildtime: false,
  };
}

/** Coolify answers numbers as strings, booleans as 0 and 1 in places, and empty text as null. */
function equal(actual: ReturnType<typeof settingOf>, wanted: Setting): boolean {
  if (typeof wanted === "boolean") return actual === wanted || actual === (wanted ? 1 : 0);
  if (wanted === "") return !actual;
  return actual !== null && actual !== undefined && String(actual) === String(wanted);
}

const markPattern = /^affexai owner=(\S+) revision=([0-9a-f]{16}|none)(?: serves=([0-9a-f]{64}))?$/;

/** What `apply` leaves in an application's description. */
export interface Mark {
  /** Who manages the application. */
  readonly owner: string;
  /** The revision that was last rolled out and seen to serve; null while a rollout is under way, or died. */
  readonly revision: string | null;
  /** While there is no revision: the digest that served before, because the settings name another one by then. */
  readonly serves: string | null;
}

export function ownerMark({ owner, revision, serves }: Mark): string {
  // No colon: Coolify refuses it in descriptions (379abb2, app/Support/ValidationPatterns.php).
  const before = serves === null ? "" : ` serves=${serves.replace("sha256:", "")}`;
  return `affexai owner=${owner} revision=${revision ?? `none${before}`}`;
}

/** Null for an application that was made by hand, or by something else. */
export function markOf({ description }: Pick<Application, "description">): Mark | null {
  const [, owner, revision, serves] = markPattern.exec(description ?? "") ?? [];
  if (owner === undefined || revision === undefined) return null;
  return {
    owner,
    revision: revision === "none" ? null : revision,
    serves: serves === undefined ? null : `sha256:${serves}`,
  };
}

/** The digest that serves, as far as the record tells: that of the settings, unless a rollout died after changing them. */
export function servedDigest(application: Application): string | null {
  const mark = markOf(application);
  if (mark !== null && mark.revision === null) return mark.serves;
  const image = imageOf(application);
  return image === null ? null : digestOf(image);
}

/** Hash of everything that a container of this spec gets. The stamp is left out: a new attempt alone is no new revision. */
export function revisionOf(spec: ApplicationSpec, values: Readonly<Record<string, string>>): string {
  const { image, port, hosts, tls, health, versionPath, drain, stopGracePeriodSeconds, limits } = spec;
  const content = { image, port, hosts, tls, health, versionPath, drain, stopGracePeriodSeconds, limits };
  const variables = Object.entries(values).sort(([one], [other]) => (one < other ? -1 : 1));
  return createHash("sha256")
    .update(JSON.stringify([content, variables]))
    .digest("hex")
    .slice(0, 16);
}
