import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CreateBucketCommand, PutObjectLockConfigurationCommand } from "@aws-sdk/client-s3";
import pg from "pg";
import { applyRoles } from "../../operations/database/roles.ts";
import { silent } from "../../operations/progress.ts";
import { objectStorage } from "../../operations/storage.ts";
import { startPostgres } from "../../sandbox/postgres/server.ts";
import { startObjectStorage } from "../../sandbox/s3/server.ts";

export const bucket = "bench-backups";

/** A PostgreSQL server and an object storage of the bench's own, which are gone when `work` ends. */
export interface Place {
  readonly dir: string;
  readonly host: string;
  readonly port: number;
  readonly adminPassword: string;
  /** What verbs are given, on one database. */
  env(database: string): Record<string, string>;
  /** Runs SQL as the administrator, until it is told to stop. */
  sql(database: string, text: string): Promise<pg.QueryResult>;
}

const password = "a-password-of-the-bench";

export async function withPlace<T>(signal: AbortSignal, work: (place: Place) => Promise<T>): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), "affexai-bench-"));
  const loopback = { host: "127.0.0.1", port: 0 };
  const keys = { accessKeyId: "AKIABENCHBENCHBENCHB", secretAccessKey: "the-secret-key-of-the-bench" };
  const postgres = await startPostgres({
    ...{ ...loopback, dir: join(dir, "postgres"), user: "postgres", password, database: "postgres" },
    // The disk's speed is not what is compared.
    settings: { fsync: "off", max_wal_size: "8GB", checkpoint_timeout: "30min", shared_buffers: "512MB" },
  });
  const storage = await startObjectStorage({ ...loopback, ...keys, dir: join(dir, "s3") });
  try {
    const url = (user: string, database: string) =>
      `postgres://${user}:${password}@${postgres.host}:${postgres.port}/${database}`;
    const env = (database: string) => ({
      PATH: process.env.PATH ?? "",
      ADMIN_DATABASE_URL: url("postgres", "postgres"),
      DATABASE_URL: url("bench_migrator", database),
      BACKUP_DATABASE_URL: url("bench_backup", database),
      APP_DATABASE_URL: url("bench_app", database),
      ...{ MIGRATOR_PASSWORD: password, APP_PASSWORD: password, BACKUP_PASSWORD: password },
      ...{ AWS_REGION: "eu-central-1", AWS_ENDPOINT_URL: storage.url },
      ...{ AWS_ACCESS_KEY_ID: keys.accessKeyId, AWS_SECRET_ACCESS_KEY: keys.secretAccessKey },
    });
    const client = objectStorage(env("postgres"));
    await client.send(new CreateBucketCommand({ Bucket: bucket, ObjectLockEnabledForBucket: true }));
    const Rule = { DefaultRetention: { Mode: "GOVERNANCE" as const, Days: 1 } };
    await client.send(
      new PutObjectLockConfigurationCommand({
        Bucket: bucket,
        ObjectLockConfiguration: { ObjectLockEnabled: "Enabled", Rule },
      }),
    );
    return await work({
      ...{ dir, host: postgres.host, port: postgres.port, adminPassword: password, env },
      async sql(database, text) {
        signal.throwIfAborted();
        const admin = new pg.Client({ connectionString: url("postgres", database) });
        await admin.connect();
        const stop = () => void admin.end();
        signal.addEventListener("abort", stop, { once: true });
        try {
          return await admin.query(text);
        } catch (error) {
          signal.throwIfAborted();
          throw error;
        } finally {
          signal.removeEventListener("abort", stop);
          await admin.end();
        }
      },
    });
  } finally {
    await Promise.all([postgres.close(), storage.close()]);
    await rm(dir, { recursive: true, force: true });
  }
}

/**
 * Makes a database of about so many gigabytes (10^9 bytes, indexes included): many narrow rows with four indexes and a foreign key, and
 * fewer wide ones of JSON. Returns its size in bytes.
 */
export async function fill(place: Place, database: string, gigabytes: number): Promise<number> {
  const roles = { migrator: "bench_migrator", app: "bench_app", backup: "bench_backup" };
  await applyRoles.run(
    { owner: "bench", database, ...roles },
    { env: place.env(database), progress: silent, signal: new AbortController().signal },
  );
  const rows = (perGigabyte: number) => Math.round(perGigabyte * gigabytes);
  await place.sql(
    database,
    `SET ROLE bench_migrator;
     CREATE TABLE migrations (id serial PRIMARY KEY, timestamp bigint NOT NULL, name varchar NOT NULL);
     INSERT INTO migrations (timestamp, name) VALUES (1760000000000, 'Initial1760000000000');
     CREATE TABLE users (id int PRIMARY KEY, email varchar(255) NOT NULL, made timestamptz NOT NULL);
     CREATE TABLE orders (id bigint PRIMARY KEY, buyer int NOT NULL, amount numeric(12, 2) NOT NULL, state text NOT NULL, made timestamptz NOT NULL, token text NOT NULL);
     CREATE TABLE pages (id int PRIMARY KEY, body jsonb NOT NULL);
     INSERT INTO users SELECT n, 'user' || n || '@example.com', '2026-01-01'::timestamptz + n * interval '1 second' FROM generate_series(1, ${rows(500_000)}) n;
     INSERT INTO orders SELECT n, 1 + n % ${rows(500_000)}, n % 100000 / 100.0, CASE n % 4 WHEN 0 THEN 'open' ELSE 'closed' END, '2026-01-01'::timestamptz + n * interval '1 second', md5(n::text)
       FROM generate_series(1, ${rows(4_000_000)}) n;
     INSERT INTO pages SELECT n, jsonb_build_object('title', 'page ' || n, 'text', (SELECT string_agg(md5((n * 100 + m)::text), ' ') FROM generate_series(1, 60) m))
       FROM generate_series(1, ${rows(40_000)}) n;
     CREATE UNIQUE INDEX ON users (email); CREATE INDEX ON orders (buyer); CREATE INDEX ON orders (made); CREATE INDEX ON orders (token);
     ALTER TABLE orders ADD FOREIGN KEY (buyer) REFERENCES users;`,
  );
  await place.sql(database, "VACUUM ANALYZE");
  await place.sql(database, "CHECKPOINT");
  const { rows: sizes } = await place.sql(database, "SELECT pg_database_size(current_database())::text AS bytes");
  return Number((sizes[0] as { bytes: string }).bytes);
}
