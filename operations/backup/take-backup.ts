import type pg from "pg";
import { OperationError } from "../error.ts";
import { run } from "../process.ts";
import type { ReleaseRecord } from "../release/spec.ts";
import type { Context } from "../verb.ts";
import type { DatabaseAccess } from "../database/access.ts";
import { newBackupId, type BackupStore } from "./backup-store.ts";
import { clientPrograms } from "../database/client-programs.ts";
import { libpqEnvironment } from "../database/connection.ts";
import { readContents } from "../database/content.ts";
import { digestOf } from "./checksum.ts";
import { dumpDatabase } from "./dump.ts";
import { encryptionOf, encryptText, type Encryption } from "./encryption.ts";
import { readFingerprint } from "../database/fingerprint.ts";
import { readHistory } from "../database/history.ts";
import { brokenForeignKeys, invalidIndexes } from "../database/integrity.ts";
import { readLargeObjects } from "../database/large-objects.ts";
import type { Manifest } from "./manifest.ts";
import { lockBeyondDefault } from "./object-lock.ts";
import { assertBackupPossible } from "./preflight.ts";
import { readSequences } from "../database/sequences.ts";
import { withSnapshot } from "../database/snapshot.ts";
import type { BackupReason } from "./spec.ts";

export interface BackupRequest {
  /** The backup role's. */
  readonly access: DatabaseAccess;
  readonly applicationName: string;
  readonly store: BackupStore;
  readonly reason: BackupReason;
  readonly historyTable: string;
  readonly frozen: boolean;
  /** The release that serves; null when none was ever verified. */
  readonly release: Pick<ReleaseRecord, "id" | "gitSha" | "images"> | null;
  /** Id of the release that is being deployed. */
  readonly behind?: string | undefined;
  readonly timeoutMs: number;
  /** Nobody can delete it for so many days, or for as many as the bucket locks by itself where those are more. */
  readonly lockDays?: number | undefined;
  /** Where a scratch database is dumped: what it is a copy of, and the backup that it was made from. */
  readonly copyOf?: { readonly database: string; readonly from: NonNullable<Manifest["anonymisedFrom"]> };
}

/**
 * Takes a backup: dump, globals, and last the manifest. Dump and figures are of one snapshot, read side by side. If anything fails
 * there is no manifest, and therefore no backup.
 */
export async function takeBackup(request: BackupRequest, context: Context): Promise<Manifest> {
  const { access, store, reason } = request;
  const encryption = encryptionOf(context.env);
  const id = newBackupId();
  const startedAt = new Date().toISOString();
  return withSnapshot(access, request.applicationName, async (snapshot) => {
    await assertBackupPossible(snapshot.client, store, context);
    const lockUntil = await lockBeyondDefault(store, request.lockDays);
    const server = await readServer(snapshot.client);
    const programs = await clientPrograms(context.env, Math.floor(server.versionNumber / 10_000));
    const abort = new AbortController();
    const signal = AbortSignal.any([context.signal, abort.signal]);
    const dumping = context.progress.step("dump", () =>
      dumpDatabase(
        {
          access,
          applicationName: request.applicationName,
          programs,
          snapshotId: snapshot.id,
          databaseBytes: server.bytes,
          store,
          key: store.key(reason, id, encryption === null ? "dump.zst" : "dump.zst.age"),
          encryption,
          lockUntil,
          timeoutMs: request.timeoutMs,
        },
        { env: context.env, signal },
      ),
    );
    const [dump, figures] = await bothOrNeither(dumping, readFigures(snapshot.client, request.historyTable), abort);
    const { stdout: globals } = await run({
      file: programs.pgDumpall,
      arguments: ["--globals-only", "--no-role-passwords", "--no-password", `--database=${access.database}`],
      env: { PATH: context.env.PATH, ...(await libpqEnvironment(access, request.applicationName)) },
      timeoutMs: 60_000,
      signal: context.signal,
    });
    const lockedUntil = await store.lockedUntil(dump);
    if (lockedUntil === null) throw notLocked(dump.key);
    const manifest: Manifest = {
      version: 3,
      id,
      reason,
      environment: store.target.environment,
      database: request.copyOf?.database ?? access.database,
      dump,
      encryption,
      lockedUntil,
      globals: await putGlobals({ store, reason, id, encryption, lockUntil }, `${globals}\n`),
      pgDump: programs.version,
      server: { ...server.description, lsn: snapshot.lsn },
      startedAt,
      takenAt: snapshot.takenAt,
      finishedAt: new Date().toISOString(),
      frozen: request.frozen,
      historyTable: request.historyTable,
      ...figures,
      release:
        request.release === null
          ? null
          : { id: request.release.id, gitSha: request.release.gitSha, image: request.release.images.backend },
      behind: request.behind ?? null,
      ...(request.copyOf === undefined ? {} : { anonymisedFrom: request.copyOf.from }),
    };
    const text = JSON.stringify(manifest, null, 2);
    await store.put(store.key(reason, id, "manifest.json"), text, "application/json", lockUntil);
    return manifest;
  });
}

function notLocked(key: string): OperationError {
  return new OperationError("failed", {
    where: key,
    what: "was uploaded, and is not locked: whoever has the right to delete could delete it.",
    next: "Run `pulumi up`, which gives the bucket its default retention, and then again; there is no backup yet.",
  });
}

interface Destination extends Pick<Manifest, "reason" | "id"> {
  readonly store: BackupStore;
  readonly encryption: Encryption | null;
  readonly lockUntil: Date | null;
}

async function putGlobals(
  { store, reason, id, encryption, lockUntil }: Destination,
  sql: string,
): Promise<Manifest["globals"]> {
  const stored =
    encryption === null
      ? await store.put(store.key(reason, id, "globals.sql"), sql, "application/sql", lockUntil)
      : await store.put(
          store.key(reason, id, "globals.sql.age"),
          await encryptText(sql, encryption),
          "application/octet-stream",
          lockUntil,
        );
  return { ...stored, plain: digestOf(Buffer.from(sql)) };
}

/** Waits for both; when the figures fail, the dump is stopped and its end awaited, so that no upload is left behind. */
async function bothOrNeither<A, B>(dumping: Promise<A>, reading: Promise<B>, abort: AbortController): Promise<[A, B]> {
  const [dump, figures] = await Promise.allSettled([
    dumping,
    reading.catch((error: unknown) => {
      abort.abort(error);
      throw error;
    }),
  ]);
  if (figures.status === "rejected") throw figures.reason;
  if (dump.status === "rejected") throw dump.reason;
  return [dump.value, figures.value];
}

type Figures = Pick<
  Manifest,
  "migrations" | "fingerprint" | "tables" | "largeObjects" | "sequences" | "invalidIndexes" | "brokenForeignKeys"
>;

async function readFigures(client: pg.Client, historyTable: string): Promise<Figures> {
  const { sha256 } = await readFingerprint(client, historyTable);
  return {
    migrations: (await readHistory(client, historyTable)).map(({ name }) => name),
    fingerprint: sha256,
    tables: (await readContents(client)).map((table) => ({ ...table, columns: [...table.columns] })),
    largeObjects: await readLargeObjects(client),
    sequences: await readSequences(client),
    invalidIndexes: await invalidIndexes(client),
    brokenForeignKeys: await brokenForeignKeys(client),
  };
}

async function readServer(
  client: pg.Client,
): Promise<{ versionNumber: number; bytes: number; description: Omit<Manifest["server"], "lsn"> }> {
  const { rows } = await client.query<
    Record<"encoding" | "collate" | "ctype" | "provider" | "bytes", string> & {
      version: number;
      icu: string | null;
    }
  >(
    // The column of the ICU locale is daticulocale in 15 and 16 and datlocale from 17 on; a row as json has either.
    `SELECT current_setting('server_version_num')::int AS version, pg_database_size(d.oid)::text AS bytes,
            pg_encoding_to_char(d.encoding) AS encoding, d.datcollate AS collate, d.datctype AS ctype,
            CASE d.datlocprovider WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' ELSE 'libc' END AS provider,
            COALESCE(to_jsonb(d)->>'daticulocale', to_jsonb(d)->>'datlocale') AS icu
       FROM pg_database d WHERE d.datname = current_database()`,
  );
  const [server] = rows;
  if (server === undefined) throw new Error("pg_database does not list current_database()");
  const extensions = await client.query<{ name: string; version: string }>(
    "SELECT extname AS name, extversion AS version FROM pg_extension ORDER BY 1",
  );
  return {
    versionNumber: server.version,
    bytes: Number(server.bytes),
    description: {
      versionNumber: server.version,
      encoding: server.encoding,
      collate: server.collate,
      ctype: server.ctype,
      localeProvider: server.provider,
      icuLocale: server.icu,
      extensions: extensions.rows,
    },
  };
}
