import { lookup } from "node:dns/promises";
import { cp, readdir, rm, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { execa } from "execa";
import pg from "pg";
import { databaseAccess, databaseUrl, onDatabase, type DatabaseAccess } from "../../../operations/database/access.ts";
import { withConnection } from "../../../operations/database/connection.ts";
import { run } from "../../../operations/process.ts";
import { silent, type Progress } from "../../../operations/progress.ts";
import type { StackOutputs } from "../../../operations/stack.ts";
import { findPostgres } from "../../setup/find-servers.ts";
import { root } from "../../setup/paths.ts";
import { buildFolder, buildReleases } from "../../workload/build.ts";
import { assert, claim, type Claim } from "../claim.ts";
import type { Stage } from "../stage.ts";
import { damageBetween, wholeState } from "../whole-state.ts";

/** The strategy's scripts as it prints them, and what is known about them. */
const exhibits = join(root, "sandbox", "demo", "strategy");

interface Attempt {
  /** Named in the claim. */
  readonly fault: string;
  /** The workload's release whose migrations are run. */
  readonly release: number;
  /** Counts what cannot be read any more: one row of one number, 0 before. */
  readonly lostValues: string;
}

const halfway: Attempt = {
  fault: "a migration that fails half-way",
  release: 4,
  lostValues: `SELECT count(*)::int AS lost FROM users
                WHERE NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'users'::regclass AND attname = 'name' AND NOT attisdropped)`,
};
const destroying: Attempt = {
  fault: "a migration that destroys data",
  release: 5,
  lostValues: "SELECT count(*)::int AS lost FROM pages WHERE title = ''",
};

/** Runs the strategy's scripts under both faults, each on a copy of the database of its own that is dropped afterwards. */
export async function strategyLosesData(
  stage: Stage,
  { adminDatabaseUrl, targets }: StackOutputs,
  progress: Progress,
): Promise<{ halfway: Claim[]; destroying: Claim[] }> {
  const server = databaseAccess({ DATABASE_URL: adminDatabaseUrl }, "DATABASE_URL");
  const lost = (attempt: Attempt) =>
    progress.step(attempt.fault, () =>
      withCopy(stage, onDatabase(server, targets.database), `strategy_${attempt.release}`, (copy, env) =>
        tryStrategy(stage, attempt, copy, env),
      ),
    );
  return { halfway: [await lost(halfway)], destroying: [await lost(destroying)] };
}

type Environment = Readonly<Record<string, string>>;

/** A copy beside the database that serves, and the environment in which PostgreSQL's programs reach the copy. */
async function withCopy<T>(
  stage: Stage,
  original: DatabaseAccess,
  name: string,
  work: (copy: DatabaseAccess, env: Environment) => Promise<T>,
): Promise<T> {
  // The programs know nothing of the container network's names.
  const { address } = await lookup(original.host);
  const copy = { ...onDatabase(original, name), host: address };
  const env = {
    PATH: `${(await findPostgres()) ?? ""}${delimiter}${stage.env["PATH"] ?? ""}`,
    PGHOST: address,
    PGPORT: `${original.port}`,
    PGUSER: original.user,
    PGPASSWORD: original.password,
  };
  const admin = (statement: string) =>
    withConnection(onDatabase(original, "postgres"), { applicationName: "affexai-demo" }, (client) =>
      client.query(statement),
    );
  const dump = join(stage.folder, `${name}.dump`);
  const program = { env, timeoutMs: 60_000, signal: stage.signal };
  await admin(`CREATE DATABASE ${pg.escapeIdentifier(name)} TEMPLATE template0`);
  try {
    await run({
      ...program,
      file: "pg_dump",
      arguments: ["--format=custom", `--file=${dump}`, `--dbname=${original.database}`],
    });
    await run({ ...program, file: "pg_restore", arguments: ["--exit-on-error", `--dbname=${name}`, dump] });
    return await work(copy, env);
  } finally {
    await admin(`DROP DATABASE ${pg.escapeIdentifier(name)} WITH (FORCE)`);
    await rm(dump, { force: true });
  }
}

async function tryStrategy(
  stage: Stage,
  { fault, release, lostValues }: Attempt,
  copy: DatabaseAccess,
  env: Environment,
): Promise<Claim> {
  const url = databaseUrl(copy);
  const folder = await strategyFolder(stage, release);
  const backups = join(folder, "backups");
  const script = (name: string, ...args: string[]) =>
    execa("bash", [join("scripts", name), ...args], {
      cwd: folder,
      // Whoever runs the restore answers its question.
      input: "yes\n",
      extendEnv: false,
      env: {
        PATH: env["PATH"] ?? "",
        HOME: folder,
        TMPDIR: folder,
        BACKUP_ROOT: backups,
        DATABASE_HOST: copy.host,
        DATABASE_PORT: `${copy.port}`,
        DATABASE_NAME: copy.database,
        DATABASE_USERNAME: copy.user,
        DATABASE_PASSWORD: copy.password,
        DATABASE_URL: url,
      },
      cancelSignal: stage.signal,
      reject: false,
    });
  const before = await wholeState(url);
  const migrated = await script("safe-migration.sh");
  const after = damageBetween(before, await wholeState(url));
  const announced = /pre_migration_\d+_\d+\.sql/.exec(migrated.stdout)?.[0] ?? "";
  const [written = ""] = await readdir(join(backups, "postgres"));
  const asTold = await script("db-restore.sh", join(backups, announced));
  const asWritten = await script("db-restore.sh", join(backups, "postgres", written));
  const atLast = damageBetween(before, await wholeState(url));
  const access = { applicationName: "affexai-demo", settings: { search_path: "public" } };
  const { rows } = await withConnection(copy, access, (client) => client.query<{ lost: number }>(lostValues));
  return claim(
    `the strategy's scripts lose data in ${fault}`,
    {
      exitCode: migrated.exitCode ?? null,
      saysCompleted: migrated.stdout.includes("Migration completed successfully"),
      changedTables: after.changedTables.join(" "),
      schemaLinesChanged: after.schemaLines,
      rowsLost: atLast.rowsLost,
      valuesLost: rows[0]?.lost ?? null,
      restoreAsTold: asTold.exitCode ?? null,
      restoreAsWritten: asWritten.exitCode ?? null,
    },
    ({ exitCode, saysCompleted, valuesLost, restoreAsTold, restoreAsWritten }) => {
      assert.equal(exitCode, 0, migrated.stderr);
      assert.equal(saysCompleted, true, migrated.stdout.slice(-2000));
      assert.notEqual(restoreAsTold, 0, asTold.stdout);
      assert.notEqual(restoreAsWritten, 0, asWritten.stdout);
      assert.deepEqual(atLast, after, "a restore changed something");
      assert(valuesLost !== null && valuesLost > 0, "the strategy lost nothing: the comparison says nothing");
    },
  );
}

/** A backend's folder as the strategy has it: with `scripts/`, and a package whose script runs migrations by TypeORM's command line. */
async function strategyFolder({ folder: state, signal }: Stage, release: number): Promise<string> {
  const folder = join(state, "strategy", `${release}`);
  const [built] = await buildReleases({ releases: [release], dir: buildFolder, progress: silent, signal });
  assert(built !== undefined);
  await rm(folder, { recursive: true, force: true });
  await cp(built.applications.backend.files, folder, { recursive: true });
  await cp(exhibits, join(folder, "scripts"), { recursive: true });
  // The image leaves the command line out; the workspace that it was built in has it.
  const commandLine = join(buildFolder, "workspace", "node_modules", "typeorm", "cli.js");
  const command = `node ${JSON.stringify(commandLine)} migration:run -d dist/database/data-source.js`;
  await writeFile(join(folder, "package.json"), JSON.stringify({ scripts: { "typeorm:migration:run": command } }));
  return folder;
}
