import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { databaseAccess } from "../../../../operations/database/access.ts";
import { withConnection } from "../../../../operations/database/connection.ts";
import { readContents } from "../../../../operations/database/content.ts";
import { readFingerprint } from "../../../../operations/database/fingerprint.ts";
import { isFrozen } from "../../../../operations/database/freeze.ts";
import { OperationError } from "../../../../operations/error.ts";
import { MigrationOutcome } from "../../../../operations/migration/spec.ts";
import { waitFor } from "../../../../operations/wait.ts";
import { application, type Application, type TestMigration } from "./application.ts";
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
};
const bad: TestMigration = { name: "Fail1760000002000", up: ["ALTER TABLE users ADD email text"] };

/** The steps of a release that goes well, and of one that fails after its first migration was committed, by how their titles begin. */
export const steps = {
  well: [
    "preflight",
    "freeze the writes",
    "backup",
    "dump",
    "migrate: ",
    "Expand1760000001000 runs",
    "Expand1760000001000 ran",
    "verify",
    "the writes of",
  ],
  back: ["Fail1760000002000 runs", "restore ", "statistics", "compare with the manifest", "swap "],
} as const;

export const faults = {
  /** kill -9 of our process; what it started lives on. */
  "tool killed": null,
  /** kill -9 of a server process of the run: PostgreSQL ends every session and recovers from its log. */
  "backend killed": async (place: Environment) => {
    const [backend] = await place.sql<{ pid: number }>(
      "admin",
      `SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'affexai-%' AND datname LIKE $1
        ORDER BY application_name LIKE 'affexai-lock-%', datname = $2, pid LIMIT 1`,
      [`${place.name}%`, `${place.name}_ops`],
      "postgres",
    );
    if (backend === undefined) return;
    process.kill(backend.pid, "SIGKILL");
    await untilServerAnswers(place);
  },
  "server restarted": async () => (await services()).restartPostgres(),
  "storage cut off": async (place: Environment) =>
    play(place, { bucket: place.bucket, times: null, action: { kind: "drop" } }),
} satisfies Record<string, ((place: Environment) => Promise<void>) | null>;
export type FaultName = keyof typeof faults;

/** How a run that met a fault ended, and how the next one did. */
export interface Trial {
  readonly first: string;
  /** Null when the first left nothing to do. */
  readonly second: string;
  /** Which of the two states the database is in afterwards, by fingerprint and the hash of every table; or what is wrong with it. */
  readonly state: "as before" | "migrated" | "neither";
  /** Everything that is not as it must be: a freeze, an open run, a database or session left behind. */
  readonly leftovers: readonly string[];
}

/** Deploys a release in maintenance, plays a fault when a step begins, lets the run end, and runs again without the fault. */
export async function tryFault(kind: keyof typeof steps, step: string, fault: FaultName): Promise<Trial> {
  const place = await environment();
  const options = 'migrationsTransactionMode: "each",';
  const first = await application({ migrations: [create] });
  await migrate(place, first, await first.record(place.context()));
  await verified(place);
  const before = await everything(place);
  const app = await application({ migrations: [create, good, ...(kind === "well" ? [] : [bad])], options });
  const record = await app.record(place.context(), { id: "release-2", maintenance: true });
  const met = await runUntil(place, app, migrationSpec(place, app, record), step, fault);
  await forgive(place);
  const again = await migrate(place, app, record).then(
    ({ outcome }) => outcome,
    (error: unknown) => (error instanceof OperationError ? error.kind : String(error)),
  );
  // In maintenance a release that went well stays frozen until its ledger entry.
  if (isOutcome(again)) await verified(place);
  const journal = (await outcomes(place)).at(-1) ?? "open";
  const state = await stateOf(place, before);
  const leftovers = await findLeftovers(place);
  await place.discard();
  return { first: met, second: `${again} (${journal})`, state, leftovers };
}

function isOutcome(ending: string): boolean {
  return MigrationOutcome.safeParse(ending).success;
}

async function runUntil(
  place: Environment,
  app: Application,
  spec: object,
  pauseAt: string,
  fault: FaultName,
): Promise<string> {
  const goOn = join(app.dir, "go-on");
  const child = spawn(process.execPath, [new URL("./paused-child.ts", import.meta.url).pathname], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = once(child, "exit");
  child.stdin.end(JSON.stringify({ spec, dir: app.dir, env: place.env, pauseAt, goOn }));
  let [reached, last] = [false, ""];
  for await (const line of createInterface({ input: child.stdout })) {
    last = line;
    if (line !== "reached") continue;
    reached = true;
    const play = faults[fault];
    if (play === null) child.kill("SIGKILL");
    else await play(place);
    await writeFile(goOn, "");
  }
  await ended;
  assert.ok(reached, `${pauseAt} was not reached: ${last}`);
  return child.signalCode === null ? last : "killed";
}

/** Fingerprint, and the hash of every table. */
async function everything(place: Environment) {
  return withConnection(
    databaseAccess(place.env, "BACKUP_DATABASE_URL"),
    { applicationName: "a-test" },
    async (client) => ({
      fingerprint: (await readFingerprint(client, "migrations")).sha256,
      contents: await readContents(client),
    }),
  );
}

async function stateOf(place: Environment, before: Awaited<ReturnType<typeof everything>>): Promise<Trial["state"]> {
  const now = await everything(place);
  if (JSON.stringify(now) === JSON.stringify(before)) return "as before";
  const unchanged = (table: string) =>
    JSON.stringify(now.contents.find((one) => one.table === table)) ===
    JSON.stringify(before.contents.find((one) => one.table === table));
  const [users] = await place.sql<{ all: number; right: number }>(
    "admin",
    `SELECT count(*)::int AS all, count(*) FILTER (WHERE email = 'user' || id AND to_jsonb(u)->>'nickname' = 'n' || id)::int AS right FROM users u`,
  );
  return unchanged("public.pages") && users?.all === 50 && users.right === 50 ? "migrated" : "neither";
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
