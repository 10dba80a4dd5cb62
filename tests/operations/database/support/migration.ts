import assert from "node:assert/strict";
import { guardedMigration } from "../../../../operations/migration/migrate.ts";
import { MigrationSpec } from "../../../../operations/migration/spec.ts";
import { OperationError, type FailureKind } from "../../../../operations/error.ts";
import { recordRelease } from "../../../../operations/release/record.ts";
import { Ledger } from "../../../../operations/release/ledger.ts";
import type { ReleaseRecord } from "../../../../operations/release/spec.ts";
import { objectStorage } from "../../../../operations/storage.ts";
import { scriptIn, type Application } from "./application.ts";
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
export async function migrate(
  place: Environment,
  app: Application,
  record: ReleaseRecord,
  changes: object = {},
  others: readonly Application[] = [],
) {
  return guardedMigration(migrationSpec(place, app, record, changes), place.context(), scriptIn(app, ...others));
}

/** Records the newest attempt as verified, as the ledger entry does: the release serves, and may write, from then on. */
export async function verified(place: Environment): Promise<void> {
  const location = { bucket: place.bucket, environment: "test" };
  const ledger = new Ledger(objectStorage(place.env), location);
  const newest = await ledger.newest();
  assert.ok(newest);
  const record = await ledger.readRelease(newest.release);
  assert.ok(record);
  await recordRelease.run(
    {
      ...{ record, stamp: { id: newest.release, after: newest.after }, ledger: location, after: [] },
      ...{ url: "https://affexai.example", window: { app: place.roles.app } },
    },
    place.context(),
  );
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
