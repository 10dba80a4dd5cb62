import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { createInterface } from "node:readline";
import { createBackup } from "../../../../operations/backup/create.ts";
import { restoreBackup } from "../../../../operations/backup/restore.ts";
import { databaseAccess } from "../../../../operations/database/access.ts";
import { errorCode, withConnection } from "../../../../operations/database/connection.ts";
import { readContents } from "../../../../operations/database/content.ts";
import { readFingerprint } from "../../../../operations/database/fingerprint.ts";
import { readHistory } from "../../../../operations/database/history.ts";
import { isFrozen } from "../../../../operations/database/freeze.ts";
import { OperationError } from "../../../../operations/error.ts";
import { waitFor } from "../../../../operations/wait.ts";
import { until } from "../../../sandbox/coolify/fixture.ts";
import { application, type TestMigration } from "./application.ts";
import { migrate, migrationSpec, outcomes, verified } from "./migration.ts";
import { environment, services, type Environment } from "./platform.ts";

const create: TestMigration = {
  name: "Create1760000000000",
  up: [
    "CREATE TABLE users (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email varchar(255) NOT NULL)",
    "CREATE TABLE pages (id int PRIMARY KEY, owner int REFERENCES users, body text NOT NULL)",
    "INSERT INTO users (email) SELECT 'user' || n FROM generate_series(1, 50) n",
    "INSERT INTO pages SELECT n, n, repeat('page ' || n, 1000) FROM generate_series(1, 40) n",
  ],
};
const good: TestMigration = {
  name: "Expand1760000001000",
  up: ["ALTER TABLE users ADD nickname text", "UPDATE users SET nickname = 'n' || id"],
  down: ["ALTER TABLE users DROP COLUMN nickname"],
};
const bad: TestMigration = { name: "Fail1760000002000", up: ["ALTER TABLE users ADD email text"] };

/**
 * What meets a fault, by how the titles of its steps begin: a release that goes well; its ledger entry; one that fails after its first
 * migration was committed, and is restored, or reverted by a proven down; a restore that somebody asks for.
 */
export const steps = {
  well: [
    "preflight",
    "freeze the writes",
    "backup",
    "dump",
    "prove that backup",
    "measure",
    "migrate: ",
    "Expand1760000001000 runs",
    "Expand1760000001000 ran",
    "verify",
    "the writes of",
  ],
  entry: ["let "],
  back: ["Fail1760000002000 runs", "restore ", "statistics", "compare with the manifest", "swap "],
  reverted: ["revert ", "compare with the state before"],
  restore: ["restore ", "statistics", "compare with the manifest", "swap ", "close ", "rename both"],
} as const;
export type Kind = keyof typeof steps;

interface Fault {
  /** kill -9 of our process, before the rest is played. */
  readonly killsTool?: true;
  readonly play?: (place: Environment) => Promise<void>;
}

export const faults = {
  /** What it started lives on. */
  "tool killed": { killsTool: true },
  /** kill -9 of a server process of the run: PostgreSQL ends every session and recovers from its log. */
  "backend killed": {
    async play(place) {
      await until("the end of a server process of the run", () => killBackend(place));
      await untilServerAnswers(place);
    },
  },
  "server restarted": { play: async () => (await services()).restartPostgres() },
  "storage cut off": {
    play: (place) => play(place, { bucket: place.bucket, times: null, action: { kind: "drop" } }),
  },
  /** What a supervisor or a machine takes with it: our process and PostgreSQL's own, both by kill -9. */
  "supervisor killed": { killsTool: true, play: async () => (await services()).crashPostgres() },
} satisfies Record<string, Fault>;
export type FaultName = keyof typeof faults;

/** False when the one that was found had ended by itself; true also when the run has none at this step. */
async function killBackend(place: Environment): Promise<boolean> {
  const [backend] = await place.sql<{ pid: number }>(
    "admin",
    `SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'affexai-%' AND datname LIKE $1
      ORDER BY application_name LIKE 'affexai-lock-%', datname = $2, pid LIMIT 1`,
    [`${place.name}%`, `${place.name}_ops`],
    "postgres",
  );
  if (backend === undefined) return true;
  try {
    return process.kill(backend.pid, "SIGKILL");
  } catch (error) {
    if (errorCode(error) === "ESRCH") return false;
    throw error;
  }
}

/** How a run that met a fault ended, and how the next one did. */
export interface Trial {
  readonly first: string;
  readonly second: string;
  /** Which of the two states the database is in afterwards, by fingerprint and the hash of every table; or what is wrong with it. */
  readonly state: "as before" | "migrated" | "neither";
  /** Everything that is not as it must be: a freeze, an open run, a database or session left behind. */
  readonly leftovers: readonly string[];
}

/** Plays a fault when a step begins, lets the run end, and runs the same again without the fault. */
export async function tryFault(kind: Kind, step: string, fault: FaultName): Promise<Trial> {
  const place = await environment();
  const { work, again, before } = await begin(place, kind);
  const met = await runUntil(place, work, step, faults[fault]);
  await forgive(place);
  const second = await again().catch((error: unknown) =>
    error instanceof OperationError ? error.kind : String(error),
  );
  const journal = (await outcomes(place)).at(-1) ?? "open";
  const now = await everything(place);
  const migrated = isDeepStrictEqual(withoutHistoryIds(now), withoutHistoryIds(await migratedWithoutFault()));
  const state = isDeepStrictEqual(now, before) ? "as before" : migrated ? "migrated" : "neither";
  const leftovers = await findLeftovers(place);
  await place.discard();
  return { first: met, second: `${second} (${journal})`, state, leftovers };
}

interface Beginning {
  /** What the process that meets the fault is told. */
  readonly work: object;
  /** The same here, without a fault; how it ended. */
  readonly again: () => Promise<string>;
  readonly before: Awaited<ReturnType<typeof everything>>;
}

/** A release serves; another one is to be deployed in maintenance, or a backup of the first one restored over damage. */
async function begin(place: Environment, kind: Kind): Promise<Beginning> {
  const first = await application({ migrations: [create] });
  await migrate(place, first, await first.record(place.context()));
  await verified(place);
  const before = await everything(place);
  if (kind === "restore") {
    const target = { bucket: place.bucket, environment: "test" };
    const { id } = await createBackup.run({ ...target, reason: "manual" }, place.context());
    await place.sql("migrator", "TRUNCATE pages; ALTER TABLE users DROP COLUMN email");
    const spec = { ...target, id, dryRun: false, app: place.roles.app };
    const again = () => restoreBackup.run(spec, place.context()).then(() => "restored");
    return { work: { verb: "backup restore", spec }, again, before };
  }
  const { app, record } = await nextRelease(place, kind);
  const again = async () => {
    const { outcome } = await migrate(place, app, record);
    // In maintenance a release that went well stays frozen until its ledger entry.
    await verified(place);
    return outcome;
  };
  const spec = migrationSpec(place, app, record);
  return { work: { verb: "migration run", spec, dir: app.dir, record: kind === "entry" }, again, before };
}

async function nextRelease(place: Environment, kind: Exclude<Kind, "restore">) {
  const fails = kind === "back" || kind === "reverted";
  const options = 'migrationsTransactionMode: "each",';
  const app = await application({ migrations: [create, good, ...(fails ? [bad] : [])], options });
  const record = await app.record(place.context(), { id: "release-2", maintenance: true });
  const migrations = record.migrations.map((one) => ({ ...one, downProven: kind === "reverted" }));
  return { app, record: { ...record, migrations } };
}

let undisturbed: ReturnType<typeof everything> | undefined;

/** What the release that goes well makes of the same database when nothing happens to it. */
function migratedWithoutFault() {
  return (undisturbed ??= (async () => {
    const place = await environment();
    await (await begin(place, "well")).again();
    const made = await everything(place);
    await place.discard();
    return made;
  })());
}

async function runUntil(place: Environment, work: object, pauseAt: string, fault: Fault): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "affexai-fault-"));
  const goOn = join(folder, "go-on");
  const child = spawn(process.execPath, [new URL("./paused-child.ts", import.meta.url).pathname], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = once(child, "exit");
  child.stdin.end(JSON.stringify({ work, env: place.env, pauseAt, goOn }));
  let [reached, last] = [false, ""];
  for await (const line of createInterface({ input: child.stdout })) {
    last = line;
    if (line !== "reached") continue;
    reached = true;
    if (fault.killsTool === true) child.kill("SIGKILL");
    await fault.play?.(place);
    await writeFile(goOn, "");
  }
  await ended;
  await rm(folder, { recursive: true });
  assert.ok(reached, `${pauseAt} was not reached: ${last}`);
  return child.signalCode === null ? last : "killed";
}

/** Fingerprint, the hash of every table, and the history of migrations. */
async function everything(place: Environment) {
  return withConnection(
    databaseAccess(place.env, "BACKUP_DATABASE_URL"),
    { applicationName: "a-test" },
    async (client) => ({
      fingerprint: (await readFingerprint(client, "migrations")).sha256,
      contents: await readContents(client),
      history: await readHistory(client, "migrations"),
    }),
  );
}

/**
 * The history's rows are compared by what they say: their ids skip up to 32 numbers when the server dies
 * (https://www.postgresql.org/docs/15/sql-createsequence.html, Notes, and SEQ_LOG_VALS in its sources).
 */
function withoutHistoryIds({ contents, ...rest }: Awaited<ReturnType<typeof everything>>) {
  return { ...rest, contents: contents.filter(({ table }) => table !== "public.migrations") };
}

async function findLeftovers(place: Environment): Promise<string[]> {
  const rows = await place.sql<{ what: string }>(
    "admin",
    `SELECT 'database ' || datname AS what FROM pg_database WHERE datname LIKE $1 || '_restore_%'
      UNION ALL SELECT 'session of ' || application_name FROM pg_stat_activity WHERE application_name LIKE 'affexai-%' AND datname LIKE $1 || '%'`,
    [place.name],
  );
  const access = databaseAccess(place.env, "DATABASE_URL");
  const target = { database: place.name, app: place.roles.app };
  const frozen = await withConnection(access, { applicationName: "a-test" }, (client) => isFrozen(client, target));
  const writes = await place.sql("app", "INSERT INTO users (email) VALUES ('a user')").then(
    () => [],
    (error: unknown) => [`no writes: ${String(error)}`],
  );
  const open = (await outcomes(place)).includes(null);
  return [
    ...rows.map(({ what }) => what),
    ...(frozen ? ["a freeze"] : []),
    ...(open ? ["an open run"] : []),
    ...writes,
  ];
}

async function play(place: Environment, fault: object): Promise<void> {
  const response = await fetch(`${place.env.AWS_ENDPOINT_URL}/_sandbox/faults`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ faults: [fault] }),
  });
  assert.ok(response.ok, await response.text());
}

async function forgive(place: Environment): Promise<void> {
  await fetch(`${place.env.AWS_ENDPOINT_URL}/_sandbox/faults`, { method: "DELETE" });
  await untilServerAnswers(place);
}

async function untilServerAnswers(place: Environment): Promise<void> {
  await waitFor(
    {
      what: "PostgreSQL after its crash",
      timeoutMs: 60_000,
      intervalMs: 50,
      next: "Read its log.",
      look: () =>
        place.sql("admin", "SELECT 1", [], "postgres").then(
          () => ({ done: true as const, value: undefined }),
          (error: unknown) => ({ done: false as const, seen: String(error) }),
        ),
    },
    place.context(),
  );
}
