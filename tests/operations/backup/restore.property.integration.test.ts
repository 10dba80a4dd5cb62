import assert from "node:assert/strict";
import { join } from "node:path";
import fc from "fast-check";
import { createBackup } from "../../../operations/backup/create.ts";
import { restoreBackup } from "../../../operations/backup/restore.ts";
import { databaseAccess } from "../../../operations/database/access.ts";
import { withConnection } from "../../../operations/database/connection.ts";
import { readContents } from "../../../operations/database/content.ts";
import { readFingerprint } from "../../../operations/database/fingerprint.ts";
import { run } from "../../../operations/process.ts";
import { findPostgres } from "../../../sandbox/setup/find-servers.ts";
import { environment, type Environment } from "../database/support/platform.ts";
import { propertyRuns } from "../database/support/property-runs.ts";
import { randomDatabase } from "../database/support/random-database.ts";

describe("a backup", () => {
  const usually = 20;
  const { numRuns, seed } = propertyRuns(usually);

  it(`brings any database back from any damage, byte for byte (${numRuns} runs from seed ${seed})`, async function () {
    this.timeout(numRuns * 30_000);
    await fc.assert(
      fc.asyncProperty(randomDatabase, async ({ create, damage }) => {
        const place = await environment();
        try {
          const owner = await place.connect("migrator");
          for (const statement of create) await owner.query(statement);
          await owner.end();
          const before = await everything(place);
          const target = { bucket: place.bucket, environment: "test" };
          const { id } = await createBackup.run({ ...target, reason: "pre-migration" }, place.context());
          await harm(place, damage);
          const restored = await restoreBackup.run(
            { ...target, id, dryRun: false, app: place.roles.app },
            place.context(),
          );
          assert.equal(restored.swapped, true);
          assert.deepEqual(await everything(place), before);
          // In a long run also by PostgreSQL's own reader of pages: it throws at a heap or index that is damaged.
          if (numRuns > usually) await program(place, "pg_amcheck", ["--install-missing", `--database=${place.name}`]);
        } finally {
          await place.discard();
        }
      }),
      { numRuns, seed, endOnFailure: true },
    );
  });
});

/** All that can be told about a database: by our own reading, and by pg_dump's. */
async function everything(place: Environment) {
  const own = await withConnection(
    databaseAccess(place.env, "BACKUP_DATABASE_URL"),
    { applicationName: "affexai-test" },
    async (client) => ({
      fingerprint: await readFingerprint(client, "migrations"),
      contents: await readContents(client),
    }),
  );
  const settings = await place.sql(
    "admin",
    `SELECT datdba::regrole, datconnlimit, datcollate, datctype, pg_encoding_to_char(encoding) AS encoding,
            ARRAY(SELECT unnest(datacl)::text ORDER BY 1) AS acl,
            ARRAY(SELECT setrole::regrole || ' ' || setconfig::text FROM pg_db_role_setting WHERE setdatabase = d.oid ORDER BY 1) AS settings
       FROM pg_database d WHERE datname = current_database()`,
  );
  return { ...own, settings, dump: await dumpText(place) };
}

/** The whole database as SQL. Since the releases of August 2025 it holds a random key, which says nothing about the database. */
async function dumpText(place: Environment): Promise<string[]> {
  const stdout = await program(place, "pg_dump", [`--dbname=${place.name}`]);
  return stdout.split("\n").filter((line) => !/^\\(un)?restrict /.test(line));
}

/** Runs one of PostgreSQL's own programs as the administrator. */
async function program({ env }: Environment, name: string, args: readonly string[]): Promise<string> {
  const { hostname, port, username, password } = new URL(env.ADMIN_DATABASE_URL ?? "");
  const { stdout } = await run({
    file: join((await findPostgres()) ?? "", name),
    arguments: ["--no-password", ...args],
    env: { PATH: process.env.PATH, PGHOST: hostname, PGPORT: port, PGUSER: username, PGPASSWORD: password },
    timeoutMs: 60_000,
  });
  return stdout;
}

/** What succeeds is committed; then the migration fails. */
async function harm(place: Environment, damage: readonly string[]): Promise<void> {
  const client = await place.connect("migrator");
  for (const statement of damage) await client.query(statement).catch(() => undefined);
  await assert.rejects(client.query("SELECT 1/0"), { code: "22012" });
  await client.end();
}
