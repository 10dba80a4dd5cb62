import { readFile } from "node:fs/promises";
import { z } from "zod";
import { OperationError } from "../error.ts";
import { imageAccess } from "../image/access.ts";
import { runInImage } from "../image/run.ts";
import type { ImageRuntime } from "../image/run-id.ts";
import { EntityContract, MigrationRecord, TypeormOptions } from "../release/spec.ts";
import type { Context } from "../verb.ts";
import { databaseUrl, type DatabaseAccess } from "../database/access.ts";
import { lockName, runName } from "../database/lock.ts";
import type { ProtectedTable } from "../database/spec.ts";

/** Where an application's migrations are: its image, and how to get at them. */
export interface MigrationImage {
  readonly image: string;
  readonly imageRuntime: ImageRuntime;
  readonly dataSource: string;
  readonly nodePath: string;
}

/** How the runner's script is run. `runInImage` but for tests that have no image. */
export type RunScript = (run: {
  runId: string;
  argv: readonly string[];
  input: string;
  env: Readonly<Record<string, string>>;
  timeoutMs: number;
  onLine: (line: string, from: "stdout" | "stderr") => void;
}) => Promise<void>;

/** Runs the script inside an image, as an operation does. */
export function inImage({ image, imageRuntime, nodePath }: MigrationImage, { env, signal }: Context): RunScript {
  return (run) => runInImage({ ...run, image, runtime: imageRuntime, nodePath, access: imageAccess(env, signal) });
}

const RecordedMigration = z.strictObject({
  ...MigrationRecord.omit({ class: true, findings: true, downProven: true, rehearsal: true }).shape,
  incomplete: z.string().nullable(),
});

/** What an image says of itself, without a database. */
export const ImageDescription = z.strictObject({
  typeorm: TypeormOptions,
  historyTable: z.string(),
  transactionMode: z.enum(["all", "each", "none"]),
  migrations: z.array(RecordedMigration),
  contract: EntityContract,
});
export type ImageDescription = z.infer<typeof ImageDescription>;

const Message = z.discriminatedUnion("affexai", [
  z.object({ affexai: z.literal("described"), ...ImageDescription.shape }),
  z.object({ affexai: z.literal("pending"), names: z.array(z.string()), mode: z.enum(["all", "each", "none"]) }),
  z.object({ affexai: z.literal("started"), name: z.string() }),
  z.object({ affexai: z.literal("finished-one"), name: z.string() }),
  z.object({ affexai: z.literal("finished") }),
  z.object({
    affexai: z.literal("failed"),
    message: z.string(),
    code: z.string().nullable(),
    kind: z.enum(["failed", "refused"]),
    stack: z.string().nullable(),
  }),
]);
type Message = z.infer<typeof Message>;

/** A migration run that failed inside the image, with PostgreSQL's error code when it was one. */
export class MigrationFailure extends OperationError {
  /** SQLSTATE, or null. */
  readonly code: string | null;
  /** The migration at work, or null before the first. */
  readonly migration: string | null;

  constructor(text: { what: string; migration: string | null; code: string | null; refused: boolean }) {
    super(text.refused ? "refused" : "failed", {
      where: text.migration === null ? "the migrations" : `migration ${text.migration}`,
      what: `${text.what.replace(/\.?$/, ".")}${text.code === null ? "" : ` (SQLSTATE ${text.code})`}`,
      next: "Correct the migration and build a new release.",
    });
    this.code = text.code;
    this.migration = text.migration;
  }
}

/**
 * What a release record needs of an image: its migrations with their statements, the contract of its entities, and the TypeORM options
 * found in it. Needs no database; the data source is loaded with an address where none is.
 */
export async function describeImage(
  source: MigrationImage,
  context: Context,
  run = inImage(source, context),
): Promise<ImageDescription> {
  let described: ImageDescription | null = null;
  await speak(
    run,
    {
      runId: `describe-${crypto.randomUUID()}`,
      job: { command: "describe", dataSource: source.dataSource },
      // Constructing a data source does not connect; some check that there is a URL.
      url: "postgres://describe:describe@127.0.0.1:1/describe",
      timeoutMs: 120_000,
    },
    context,
    (message) => {
      if (message.affexai === "described") described = ImageDescription.strip().parse(message);
    },
  );
  if (described !== null) return described;
  throw new OperationError("failed", {
    where: source.dataSource,
    what: "ended without describing itself.",
    next: "Run the image by hand; something in it ends the process when the data source is loaded.",
  });
}

export interface MigrationJob {
  readonly source: MigrationImage;
  readonly access: DatabaseAccess;
  readonly runId: string;
  readonly historyTable: string;
  readonly lockTimeoutMs: number;
  readonly statementTimeoutMs: number;
  readonly timeoutMs: number;
  /** All migrations of the release record: the image must hold exactly these. */
  readonly expected: readonly { readonly name: string; readonly sha256: string }[];
  /** Compared at every commit, which is refused when they differ. Names are qualified. */
  readonly protectedTables: readonly ProtectedTable[];
  readonly allowedDeletes: Readonly<Record<string, number>>;
}

/** Runs the pending migrations. Throws a MigrationFailure when one fails; what was committed before it stays. */
export async function runPendingMigrations(
  job: MigrationJob,
  context: Context,
  run = inImage(job.source, context),
): Promise<void> {
  await runJob(job, { command: "run" }, context, run);
}

/**
 * Runs the `down` of the last migrations, newest first; `names` must be exactly those. Each is one transaction, except those that ask
 * for none. Throws a MigrationFailure when one fails; what was reverted before it stays so.
 */
export async function revertMigrations(
  job: MigrationJob,
  names: readonly string[],
  context: Context,
  run = inImage(job.source, context),
): Promise<void> {
  await runJob(job, { command: "revert", names }, context, run);
}

async function runJob(job: MigrationJob, command: object, context: Context, run: RunScript): Promise<void> {
  let at: string | null = null;
  const { source, access, runId, timeoutMs, ...rest } = job;
  await speak(
    run,
    {
      ...{ runId, timeoutMs, url: databaseUrl(access) },
      job: {
        ...command,
        ...{ dataSource: source.dataSource, database: access.database, user: access.user },
        ...{ applicationName: runName(runId), lockName: lockName(runId) },
        ...rest,
      },
    },
    context,
    (message) => {
      if (message.affexai === "started") context.progress.note(`${(at = message.name)} runs`);
      if (message.affexai === "finished-one") context.progress.note(`${message.name} ran`);
    },
    () => at,
  );
}

async function speak(
  run: RunScript,
  { runId, job, url, timeoutMs }: { runId: string; job: object; url: string; timeoutMs: number },
  { progress }: Context,
  hear: (message: Message) => void,
  at: () => string | null = () => null,
): Promise<void> {
  const failures: MigrationFailure[] = [];
  const script = await readFile(new URL("./image-scripts/migration-runner.mjs", import.meta.url), "utf8");
  try {
    await run({
      runId,
      argv: ["--input-type=module", "-"],
      input: script,
      env: { AFFEXAI_JOB: JSON.stringify(job), DATABASE_URL: url, NODE_ENV: "production" },
      timeoutMs,
      onLine(line, from) {
        const message = from === "stdout" ? parse(line) : null;
        if (message === null) progress.note(line);
        else if (message.affexai === "failed") {
          const { message: what, code, kind } = message;
          failures.push(new MigrationFailure({ what, code, migration: at(), refused: kind === "refused" }));
        } else hear(message);
      },
    });
  } catch (error) {
    throw failures[0] ?? error;
  }
}

/** Null for what the application itself wrote. */
function parse(line: string): Message | null {
  if (!line.startsWith('{"affexai":')) return null;
  return Message.parse(JSON.parse(line));
}
