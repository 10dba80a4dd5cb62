import assert from "node:assert/strict";
import { databaseAccess } from "../../../operations/database/access.ts";
import {
  revertMigrations,
  runPendingMigrations,
  type MigrationJob,
} from "../../../operations/migration/image-runner.ts";
import { MigrationFailure } from "../../../operations/migration/migration-failure.ts";
import { withLock } from "../../../operations/database/lock.ts";
import { readState } from "../../../operations/database/state.ts";
import { application, type TestMigration } from "../database/support/application.ts";
import { environment } from "../database/support/platform.ts";

const migrations: TestMigration[] = [
  { name: "Create1760000000000", up: ["CREATE TABLE users (id int, email text)"], down: ["DROP TABLE users"] },
  {
    name: "Column1760000001000",
    up: ["ALTER TABLE users ADD nickname text"],
    down: ["ALTER TABLE users DROP COLUMN nickname"],
  },
  {
    name: "Index1760000002000",
    up: ["CREATE INDEX CONCURRENTLY users_email ON users (email)"],
    down: ["DROP INDEX CONCURRENTLY users_email"],
    transaction: false,
  },
];

describe("reverting migrations", () => {
  for (const typeorm of ["typeorm", "typeorm-0.3"] as const) {
    it(`brings the schema back, outside of a transaction where the migration asks for it (${typeorm})`, async () => {
      const place = await environment();
      const access = databaseAccess(place.env, "DATABASE_URL");
      const [create] = migrations;
      assert.ok(create);
      const state = () => readState(access, "affexai-test", { historyTable: "migrations", protectedTables: [] });
      const apply = async (all: TestMigration[], work: (job: MigrationJob) => Promise<unknown>) => {
        const app = await application({ migrations: all, typeorm });
        const record = await app.record(place.context());
        await withLock(access, (run) =>
          work({
            ...{ source: app.source, access, runId: run.id, historyTable: "migrations", expected: record.migrations },
            ...{
              lockTimeoutMs: 2000,
              statementTimeoutMs: 10_000,
              timeoutMs: 60_000,
              protectedTables: [],
              allowedDeletes: {},
            },
          }),
        );
        return app;
      };
      await apply([create], async (job) =>
        runPendingMigrations(job, place.context(), (await application({ migrations: [create], typeorm })).script),
      );
      const before = await state();
      const { script } = await application({ migrations, typeorm });
      await apply(migrations, (job) => runPendingMigrations(job, place.context(), script));
      assert.notEqual((await state()).fingerprint, before.fingerprint);
      await apply(migrations, async (job) => {
        await assert.rejects(revertMigrations(job, ["Column1760000001000"], place.context(), script), (error) => {
          assert.ok(error instanceof MigrationFailure);
          assert.match(error.message, /the last migration is Index1760000002000, not Column1760000001000/);
          return true;
        });
        await revertMigrations(job, ["Index1760000002000", "Column1760000001000"], place.context(), script);
      });
      assert.deepEqual(await state(), before);
    });
  }
});
