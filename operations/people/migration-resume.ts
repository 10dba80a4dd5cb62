import type { Command } from "commander";
import { onStack } from "../stack.ts";
import type { Surroundings } from "./surroundings.ts";

/** `affexai migration resume`: what the agent does by itself every minute, where none runs. */
export function addResumeVerb(migration: Command, { watched, write }: Surroundings): void {
  migration
    .command("resume")
    .description("settle what a killed run left, or a release that was frozen for and never verified")
    .requiredOption("--stack <name>", "whose database")
    .option("--json", "the result as one JSON object")
    .action(async ({ stack, json = false }: { stack: string; json?: boolean }) => {
      const { resumeDeadRun } = await import("../migration/resume.ts");
      const result = await watched(json, (context) =>
        onStack(stack, context, ({ targets }, reached) => {
          const { bucket, environment, roles, maintenance } = targets;
          return resumeDeadRun.run({ ledger: { bucket, environment }, app: roles.app, maintenance }, reached);
        }),
      );
      const idle = result.state === "busy" ? "a run is at work, or within its lease" : "nothing was left behind";
      write(json ? JSON.stringify(result) : result.page.join("\n") || idle);
    });
}
