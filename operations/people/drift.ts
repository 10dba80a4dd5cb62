import { writeFile } from "node:fs/promises";
import type { Command } from "commander";
import type { DriftReport } from "../drift/spec.ts";
import { OperationError } from "../error.ts";
import { table, type Surroundings } from "./surroundings.ts";

interface Options {
  stack: string;
  repair?: boolean;
  json?: boolean;
  markdown?: string | true;
}

/** `affexai drift`: exit code 0 when it is clean, 7 with differences, 4 when something could not be looked at. */
export function addDriftVerb(program: Command, { watched, write }: Surroundings): void {
  program
    .command("drift")
    .description("what differs from what is declared: settings, variables, labels, images, what runs, databases, roles")
    .requiredOption("--stack <name>", "which environment")
    .option("--repair", "put right what can be, without losing a request, and compare again")
    .option("--json", "the report as one JSON object")
    .option("--markdown [file]", "the report as Markdown, for a comment: on stdout, or in a file")
    .action(async ({ stack, repair = false, json = false, markdown }: Options) => {
      const [{ findDrift }, { markdownReport, textNotes, textRows, verdict }] = await Promise.all([
        import("../drift/drift.ts"),
        import("../drift/report.ts"),
      ]);
      const report = await watched(json, (context) => findDrift({ stack, repair }, context));
      if (typeof markdown === "string") await writeFile(markdown, markdownReport(report));
      if (json) write(JSON.stringify(report));
      else if (markdown === true) write(markdownReport(report));
      else {
        const rows = textRows(report);
        write([...(rows === null ? [] : [table(rows), ""]), ...textNotes(report)].join("\n"));
      }
      if (report.outcome !== "clean") throw notClean(report, verdict(report));
    });
}

function notClean({ outcome, stack }: DriftReport, text: string): OperationError {
  return outcome === "drift"
    ? new OperationError("drift", {
        where: `stack ${stack}`,
        what: `has drifted: ${text}.`,
        next: "Read the report for what each difference takes; `affexai drift --repair` puts back what was edited on Coolify.",
      })
    : new OperationError("unreachable", {
        where: `stack ${stack}`,
        what: `was not compared in full: ${text}.`,
        next: "Read the report for the reasons, mend them and run again.",
      });
}
