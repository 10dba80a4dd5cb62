import { Option, type Command } from "commander";
import { readFile } from "node:fs/promises";
import { OperationError } from "../error.ts";
import { parseJson } from "../json.ts";
import type { PlannedRelease } from "../migration/plan-release.ts";
import type { MigrationReport } from "../migration/report.ts";
import { ReleaseRecord } from "../release/spec.ts";
import { onStack, type StackOutputs } from "../stack.ts";
import type { Context } from "../verb.ts";
import { withImageOptions } from "./image-options.ts";
import { addResumeVerb } from "./migration-resume.ts";
import { noun, table, type Surroundings } from "./surroundings.ts";

interface Options {
  backend: string;
  stack?: string;
  fromBackup?: string;
  maintenance?: boolean;
  imageRuntime: "docker" | "unpacked";
  dataSource: string;
  nodePath: string;
  markdown?: boolean;
  json?: boolean;
}

/** `affexai migration plan|rehearse|resume`. */
export function addMigrationVerbs(program: Command, { watched, write }: Surroundings): void {
  const migration = noun(program, "migration", "what a release's migrations do, before they do it");
  const verb = (name: string, description: string) =>
    withImageOptions(migration.command(name))
      .description(description)
      .requiredOption("--backend <image>", "the backend's image, or a release record's file")
      .option("--stack <name>", "for this environment's database and ledger; for a new one unless given")
      .option("--maintenance", "the release will declare a maintenance window")
      .addOption(new Option("--markdown", "as a comment for a pull request").conflicts("json"))
      .option("--json", "as one JSON object");

  addResumeVerb(migration, { watched, write });
  verb("plan", "class, locks and findings of what is pending; rehearsed where REHEARSAL_DATABASE_URL is set").action(
    (options: Options) => report(options, false),
  );
  verb("rehearse", "run what is pending up, down and up again on a scratch database of REHEARSAL_DATABASE_URL")
    .option("--from-backup <id>", "on this backup of the stack; on the newest unless given")
    .action((options: Options) => report(options, true));

  async function report(options: Options, rehearsal: boolean): Promise<void> {
    const { json = false, markdown = false, stack } = options;
    const { markdownReport, cells } = await import("../migration/report.ts");
    const made = await watched(json, (context) =>
      stack === undefined
        ? plan(options, rehearsal, null, context)
        : onStack(stack, context, (outputs, inner) => plan(options, rehearsal, outputs, inner)),
    );
    const head = ["MIGRATION", "CLASS", "WORST LOCK", "REWRITES", "TIME", "DOWN"];
    const lines = [
      made.pending.length === 0 ? "no migration is pending" : table([head, ...made.pending.map(cells)]),
      ...[...made.findings, ...made.pending.flatMap(({ findings }) => findings)].map(
        (one) => `${one.forbidden ? "refused" : one.class}: ${one.message} ${one.remedy}`,
      ),
    ];
    write(json ? JSON.stringify(made) : markdown ? markdownReport(made) : lines.join("\n"));
    if (made.refusal === null) return;
    throw new OperationError("refused", {
      where: `the migrations of ${made.subject}`,
      what: made.refusal,
      next: "This was a plan only.",
    });
  }
}

async function plan(
  options: Options,
  rehearsal: boolean,
  outputs: StackOutputs | null,
  context: Context,
): Promise<MigrationReport> {
  const { planRelease, readTarget } = await import("../migration/plan-release.ts");
  const record = options.backend.endsWith(".json") ? await readRecord(options.backend) : null;
  const { release, rehearsedOn } =
    record === null || rehearsal
      ? await judged(options, rehearsal, record, outputs, context)
      : { release: { ...record, findings: [], historyTable: "migrations" }, rehearsedOn: rehearsedIn(record) };
  const target = outputs === null ? null : await readTarget(outputs, release.historyTable, context);
  return { ...planRelease(release, target), rehearsedOn };
}

/** The image's migrations, judged here and now. */
async function judged(
  options: Options,
  rehearsal: boolean,
  record: ReleaseRecord | null,
  outputs: StackOutputs | null,
  context: Context,
): Promise<{ release: PlannedRelease; rehearsedOn: string | null }> {
  const { describeImage } = await import("../migration/image-runner.ts");
  const { judgeMigrations } = await import("../migration/judge-migrations.ts");
  const { rehearsePending } = await import("../migration/rehearsal/rehearse-release.ts");
  const { imageRuntime, dataSource, nodePath, maintenance = record?.maintenance ?? false } = options;
  const { targets } = outputs ?? {};
  const image = record?.images.backend ?? options.backend;
  const source = { image, ...(targets?.migrations ?? { imageRuntime, dataSource, nodePath }) };
  const description = await context.progress.step(`ask ${image} about its migrations`, (progress) =>
    describeImage(source, { ...context, progress }),
  );
  const backup = backupOf(options, targets);
  const wanted = rehearsal || Boolean(context.env.REHEARSAL_DATABASE_URL);
  const rehearsed = wanted ? await rehearsePending(source, description, backup, context) : null;
  const { migrations, findings } = await judgeMigrations(description, rehearsed, context);
  const { historyTable } = description;
  return {
    release: { id: record?.id ?? image, maintenance, migrations, findings, historyTable },
    rehearsedOn: rehearsedIn({ migrations }),
  };
}

function rehearsedIn({ migrations }: Pick<PlannedRelease, "migrations">): string | null {
  const last = migrations.findLast(({ rehearsal }) => rehearsal !== null)?.rehearsal;
  if (last === undefined || last === null) return null;
  return last.backup === null ? "a database that the migrations before made" : `backup ${last.backup}`;
}

function backupOf({ fromBackup }: Options, targets: StackOutputs["targets"] | undefined) {
  if (targets === undefined) {
    if (fromBackup === undefined) return null;
    throw new OperationError("usage", {
      where: "--from-backup",
      what: "names a backup of a stack, and no stack is named.",
      next: "Add --stack <name>.",
    });
  }
  const { bucket, environment } = targets;
  return { bucket, environment, ...(fromBackup === undefined ? {} : { id: fromBackup }) };
}

async function readRecord(path: string): Promise<ReleaseRecord> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new OperationError("usage", {
      where: path,
      what: `cannot be read (${error.code ?? "unknown error"}).`,
      next: "Name a backend image, or a record that `affexai release create` made.",
    });
  });
  const record = ReleaseRecord.safeParse(parseJson(text));
  if (record.success) return record.data;
  throw new OperationError("usage", {
    where: path,
    what: "is not a release record.",
    next: "Make it again with `affexai release create`.",
  });
}
