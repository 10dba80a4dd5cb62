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
import { MigrationFailure } from "./migration-failure.ts";
import { packScript } from "./pack-script.ts";

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
  z.object({ affexai: z.literal("again"), message: z.string(), statement: z.string(), pauseMs: z.number() }),
  z.object({ affexai: z.literal("dropped"), index: z.string() }),
  z.object({ affexai: z.literal("compared"), differences: z.array(z.string()) }),
  z.object({
    affexai: z.literal("failed"),
    message: z.string(),
    code: z.string().nullable(),
    kind: z.enum(["failed", "refused"]),
    stack: z.string().nullable(),
  }),
]);
type Message = z.infer<typeof Message>;

/** When somebody else was in the way and the transaction is rolled back, it is tried again. */
export interface Retries {
  /** SQLSTATEs. */
  readonly codes: readonly string[];
  readonly attempts: number;
  /** Doubles with each attempt. */
  readonly firstPauseMs: number;
}

/** lock_not_available, deadlock_detected, serialization_failure. */
const defaultRetries: Retries = { codes: ["55P03", "40P01", "40001"], attempts: 5, firstPauseMs: 500 };

export function retriesOf({ retries = defaultRetries }: Pick<MigrationJob, "retries">): Retries {
  return retries;
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
  readonly retries?: Retries;
  /** All migrations of the release record: the image must hold exactly these. */
  readonly expected: readonly { readonly name: string; readonly sha256: string }[];
  /** Compared at every commit, which is refused when they differ. Names are qualified. */
  readonly protectedTables: readonly ProtectedTable[];
  readonly allowedDeletes: Readonly<Record<string, number>>;
}

/**
 * Runs the pending migrations, also when there are none, and returns the statements with which TypeORM would go on to make the schema
 * what the entities say: none when they agree. A statement outside a transaction that meets somebody's lock is tried again; `blockers`
 * says who was in its way. Throws a MigrationFailure when a migration fails; what was committed before it stays.
 */
export async function runPendingMigrations(
  job: MigrationJob,
  context: Context,
  run = inImage(job.source, context),
  blockers: () => string = () => "",
): Promise<string[]> {
  const differences: string[] = [];
  await runJob(job, { command: "run" }, context, run, (message) => {
    if (message.affexai === "compared") differences.push(...message.differences);
    if (message.affexai === "again")
      context.progress.note(
        `${message.message}.${blockers()} Trying again in ${message.pauseMs / 1000} s: ${message.statement}`,
      );
  });
  return differences;
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

async function runJob(
  job: MigrationJob,
  command: object,
  context: Context,
  run: RunScript,
  hear: (message: Message) => void = () => undefined,
): Promise<void> {
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
        retries: retriesOf(job),
      },
    },
    context,
    (message) => {
      if (message.affexai === "started") context.progress.note(`${(at = message.name)} runs`);
      if (message.affexai === "finished-one") context.progress.note(`${message.name} ran`);
      if (message.affexai === "dropped")
        context.progress.note(`dropped ${message.index}, which an unfinished build left invalid`);
      hear(message);
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
  const script = await packScript(new URL("./image-scripts/migration-runner.mjs", import.meta.url));
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
