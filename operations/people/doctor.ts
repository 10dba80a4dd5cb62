import type { Command } from "commander";
import type { Check } from "../coolify/checks/check.ts";
import { OperationError } from "../error.ts";
import {
  addApplicationOptions,
  lookAtApplication,
  refuseWithoutApplication,
  type ApplicationOptions,
} from "./doctor-application.ts";
import { table, type Surroundings } from "./surroundings.ts";

const words = { ok: "ok", problem: "problem", unknown: "cannot know" };

type Options = Partial<Pick<ApplicationOptions, "application">> &
  Omit<ApplicationOptions, "application"> & { stack?: string; json?: boolean };

/** `affexai doctor`: exit code 0 when nothing is wrong, 3 with problems, 4 when Coolify does not answer. */
export function addDoctorVerb(program: Command, { watched, write }: Surroundings): void {
  const doctor = program
    .command("doctor")
    .description("look at Coolify before a release does: token, team, server, proxy, registry, hosts. Changes nothing")
    .option("--stack <name>", "what that stack is going to need; every server of the token's team unless given")
    .option("--json", "the result as one JSON object");
  addApplicationOptions(doctor).action(async ({ stack, json = false, application, ...options }: Options) => {
    const checks = await watched(json, async (context) => {
      if (application !== undefined) return lookAtApplication({ ...options, application }, context);
      refuseWithoutApplication(options);
      const { examine } = await import("../coolify/doctor.ts");
      return examine(stack, context);
    });
    write(json ? JSON.stringify({ checks }) : describe(checks));
    const problems = checks.filter(({ state }) => state === "problem");
    if (problems.length > 0) throw found(application ?? "Coolify", problems);
  });
}

function describe(checks: readonly Check[]): string {
  const rows = checks.map(({ what, state, seen }) => [what, words[state], seen]);
  const remedies = checks.flatMap((check) =>
    check.state === "ok" ? [] : [`${check.state === "problem" ? "✗" : "?"} ${check.what}: ${check.next}`],
  );
  return [table([["WHAT", "STATE", "SEEN"], ...rows]), ...remedies].join("\n");
}

function found(where: string, problems: readonly Check[]): OperationError {
  return new OperationError("refused", {
    where,
    what: `${problems.length === 1 ? "one problem" : `${problems.length} problems`}: ${problems.map(({ what }) => what).join(", ")}.`,
    next: "Do what is said above for each, and look again.",
  });
}
