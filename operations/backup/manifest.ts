import { z } from "zod";
import { PinnedImage, ReleaseId } from "../release/spec.ts";
import { BackupId, BackupReason, type BackupSummary } from "./spec.ts";

const Sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/** Of the bytes before they were compressed or encrypted. */
const Plain = z.strictObject({ bytes: z.int(), sha256: Sha256 });

const StoredObject = z.strictObject({
  key: z.string(),
  /** Null where the bucket keeps no versions. */
  versionId: z.string().nullable(),
  bytes: z.int(),
  /** Of the bytes as they are stored, hex. */
  sha256: Sha256,
});
export type StoredObject = z.infer<typeof StoredObject>;

/**
 * What a backup holds, written after everything else of it: a dump without a manifest is not a backup. Figures are those of the
 * dump's own snapshot, so a restore can be compared exactly.
 */
export const Manifest = z.strictObject({
  version: z.literal(3),
  id: BackupId,
  reason: BackupReason,
  environment: z.string(),
  database: z.string(),
  /** `custom` is pg_dump -Fc, read by pg_restore; never by psql. Compressed first, then encrypted. */
  dump: z.strictObject({
    ...StoredObject.shape,
    plain: Plain,
    format: z.literal("custom"),
    compression: z.literal("zstd"),
  }),
  /** To which public keys dump and globals are encrypted. This file never is: it holds no rows, and lists are made of it. */
  encryption: z.strictObject({ kind: z.literal("age"), recipients: z.array(z.string()).min(1) }).nullable(),
  /** Until when nobody can delete the dump. */
  lockedUntil: z.iso.datetime(),
  /** Roles and their memberships, without passwords: `pg_dumpall --globals-only`. */
  globals: z.strictObject({ ...StoredObject.shape, plain: Plain }),
  /** Version of pg_dump, for example `15.18`. A restore needs a pg_restore at least as new. */
  pgDump: z.string(),
  server: z.strictObject({
    versionNumber: z.int(),
    encoding: z.string(),
    collate: z.string(),
    ctype: z.string(),
    localeProvider: z.string(),
    icuLocale: z.string().nullable(),
    extensions: z.array(z.strictObject({ name: z.string(), version: z.string() })),
    /** Where the write-ahead log stood at the snapshot. */
    lsn: z.string(),
  }),
  startedAt: z.iso.datetime(),
  /** The moment of the snapshot, by the server's clock: what was committed later is not in it. */
  takenAt: z.iso.datetime(),
  finishedAt: z.iso.datetime(),
  /** Whether the application's writes were frozen from before the snapshot on. */
  frozen: z.boolean(),
  /** Names of the executed migrations, oldest first. */
  migrations: z.array(z.string()),
  historyTable: z.string(),
  fingerprint: z.string(),
  tables: z.array(
    z.strictObject({ table: z.string(), columns: z.array(z.string()), rows: z.int(), hash: z.string().nullable() }),
  ),
  largeObjects: z.strictObject({ count: z.int(), bytes: z.int(), hash: z.string() }),
  sequences: z.array(z.strictObject({ sequence: z.string(), lastValue: z.string() })),
  invalidIndexes: z.array(z.string()),
  brokenForeignKeys: z.array(z.string()),
  /** The release that served at the snapshot; null when none was ever verified. */
  release: z.strictObject({ id: ReleaseId, gitSha: z.string(), image: PinnedImage }).nullable(),
  /** The release that was being deployed; null when none was. */
  behind: ReleaseId.nullable(),
  /** The backup whose data is in this one with everything personal masked. Absent where the data is as it was. */
  anonymisedFrom: z.strictObject({ environment: z.string(), id: BackupId }).optional(),
});
export type Manifest = z.infer<typeof Manifest>;

/** Whether the data is the environment's own, and not another one's with everything personal masked: only then is it a backup of it. */
export function isOwn({ anonymisedFrom }: Pick<Manifest, "anonymisedFrom">): boolean {
  return anonymisedFrom === undefined;
}

/** The line about a backup that lists and results show. */
export function summary(manifest: Manifest): BackupSummary {
  return {
    id: manifest.id,
    reason: manifest.reason,
    takenAt: manifest.takenAt,
    bytes: manifest.dump.bytes,
    sha256: manifest.dump.sha256,
    environment: manifest.environment,
    encrypted: manifest.encryption !== null,
    lockedUntil: manifest.lockedUntil,
    database: manifest.database,
    rows: manifest.tables.reduce((sum, { rows }) => sum + rows, 0),
    tables: manifest.tables.length,
    fingerprint: manifest.fingerprint,
    migrations: manifest.migrations.length,
  };
}
