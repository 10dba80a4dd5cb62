import assert from "node:assert/strict";
import { guardedMigration } from "../../../../operations/migration/migrate.ts";
import { MigrationSpec } from "../../../../operations/migration/spec.ts";
import { OperationError, type FailureKind } from "../../../../operations/error.ts";
import { Ledger } from "../../../../operations/release/ledger.ts";
import type { ReleaseRecord } from "../../../../operations/release/spec.ts";
import { objectStorage } from "../../../../operations/storage.ts";
import type { Application } from "./application.ts";
import type { Environment } from "./platform.ts";

export function migrationSpec(
  place: Environment,
  app: Application,
  record: ReleaseRecord,
  changes: object = {},
): MigrationSpec {
  return MigrationSpec.parse({
    owner: "test",
    record,
    stamp: { id: record.id, after: null },
    ledger: { bucket: place.bucket, environment: "test" },
    ...app.source,
    app: place.roles.app,
    lockTimeoutSeconds: 2,
    statementTimeoutSeconds: 30,
    protectedTables: [],
    backupMaxAgeSeconds: 3600,
    ...changes,
  });
}

/** Deploys a record's migrations, as the verb does. */
export async function migrate(place: Environment, app: Application, record: ReleaseRecord, changes: object = {}) {
  return guardedMigration(migrationSpec(place, app, record, changes), place.context(), app.script);
}

/** Closes the newest attempt as verified: the release serves from then on. */
export async function verified(place: Environment): Promise<void> {
  const ledger = new Ledger(objectStorage(place.env), { bucket: place.bucket, environment: "test" });
  const newest = await ledger.newest();
  assert.ok(newest);
  await ledger.close(newest.id, "verified", "the test says so");
}

export async function rejected(run: Promise<unknown>, kind: FailureKind, ...patterns: RegExp[]): Promise<void> {
  await assert.rejects(run, (error) => {
    assert.ok(error instanceof OperationError, error instanceof Error ? error.stack : String(error));
    for (const pattern of patterns) assert.match(error.message, pattern);
    assert.equal(error.kind, kind, error.message);
    return true;
  });
}

/** How the runs on the database ended, oldest first. */
export async function outcomes(place: Environment): Promise<(string | null)[]> {
  const rows = await place.sql<{ outcome: string | null }>(
    "admin",
    "SELECT outcome FROM run ORDER BY started",
    [],
    `${place.name}_ops`,
  );
  return rows.map(({ outcome }) => outcome);
}
