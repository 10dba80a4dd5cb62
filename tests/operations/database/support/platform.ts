import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { applyRoles } from "../../../../operations/database/roles.ts";
import { silent, type Progress } from "../../../../operations/progress.ts";
import type { Context } from "../../../../operations/verb.ts";
import { startPostgres, type PostgresServer } from "../../../../sandbox/postgres/server.ts";
import { cleanUpLater } from "../../../clean-up.ts";
import { createBackupBucket } from "./bucket.ts";
import { startObjectStorage, type ObjectStorage } from "../../../../sandbox/s3/server.ts";

interface Services {
  readonly dir: string;
  readonly postgres: PostgresServer;
  readonly storage: ObjectStorage;
  /** Stops PostgreSQL, which ends every session, and starts it again on the same port. */
  restartPostgres(): Promise<void>;
  /** kill -9 of the postmaster, and a start on the same port once its children have noticed. */
  crashPostgres(): Promise<void>;
}

let starting: Promise<Services> | undefined;

/** PostgreSQL and object storage, started with the first test that asks and shared by all that run with it. */
export function services(): Promise<Services> {
  return (starting ??= start());
}

async function start(): Promise<Services> {
  const dir = await mkdtemp(join(tmpdir(), "affexai-database-"));
  const options = {
    dir: join(dir, "postgres"),
    host: "127.0.0.1",
    port: 0,
    user: "postgres",
    password: "the-admin-password",
    database: "postgres",
    settings: { fsync: "off", max_connections: "100" },
  };
  const [postgres, storage] = await Promise.all([
    startPostgres(options),
    startObjectStorage({
      host: "127.0.0.1",
      port: 0,
      dir: join(dir, "s3"),
      accessKeyId: "AKIATESTTESTTESTTEST",
      secretAccessKey: "the-secret-key-of-the-tests",
    }),
  ]);
  let running = postgres;
  cleanUpLater(async () => {
    starting = undefined;
    await Promise.all([running.close(), storage.close()]);
    await rm(dir, { recursive: true, force: true });
  });
  return {
    ...{ dir, postgres, storage },
    async restartPostgres() {
      await running.close();
      running = await startPostgres({ ...options, port: postgres.port });
    },
    async crashPostgres() {
      process.kill(running.pid, "SIGKILL");
      await running.exited;
      running = await startPostgres({ ...options, port: postgres.port });
    },
  };
}

/** A database of its own with its roles, its operations database and its bucket. */
export interface Environment {
  readonly name: string;
  readonly roles: { readonly migrator: string; readonly app: string; readonly backup: string };
  readonly bucket: string;
  readonly env: Record<string, string>;
  /** Of the application's role: no verb is given it. */
  readonly appUrl: string;
  /** Lines that the verbs noted for people. */
  readonly notes: string[];
  context(extra?: Partial<Context>): Context;
  /** Runs SQL as one of the roles, or as the administrator. */
  sql<Row extends pg.QueryResultRow>(
    as: "admin" | "migrator" | "app",
    text: string,
    values?: unknown[],
    database?: string,
  ): Promise<Row[]>;
  connect(as: "admin" | "migrator" | "app", database?: string): Promise<pg.Client>;
  /** Drops its databases now, for tests that make hundreds. */
  discard(): Promise<void>;
}

export async function environment(): Promise<Environment> {
  const { postgres, storage } = await services();
  const name = `t${randomBytes(4).toString("hex")}`;
  const roles = { migrator: `${name}_migrator`, app: `${name}_app`, backup: `${name}_backup` };
  const password = "a-password-of-the-tests";
  const url = (user: string, secret: string, database: string) =>
    `postgres://${user}:${secret}@${postgres.host}:${postgres.port}/${database}`;
  const env = {
    PATH: process.env.PATH ?? "",
    ADMIN_DATABASE_URL: url("postgres", "the-admin-password", "postgres"),
    DATABASE_URL: url(roles.migrator, password, name),
    BACKUP_DATABASE_URL: url(roles.backup, password, name),
    MIGRATOR_PASSWORD: password,
    APP_PASSWORD: password,
    BACKUP_PASSWORD: password,
    AWS_REGION: "eu-central-1",
    AWS_ENDPOINT_URL: storage.url,
    AWS_ACCESS_KEY_ID: "AKIATESTTESTTESTTEST",
    AWS_SECRET_ACCESS_KEY: "the-secret-key-of-the-tests",
  };
  const notes: string[] = [];
  const progress: Progress = {
    step: (title, work) => {
      notes.push(title);
      return work(progress);
    },
    note: (text) => void notes.push(text),
  };
  const context = (extra: Partial<Context> = {}): Context => ({
    env,
    progress,
    signal: new AbortController().signal,
    ...extra,
  });
  const connect = async (as: "admin" | "migrator" | "app", database = name) => {
    const user = as === "admin" ? "postgres" : roles[as];
    const client = new pg.Client({
      connectionString: url(user, as === "admin" ? "the-admin-password" : password, database),
    });
    client.on("error", () => undefined);
    await client.connect();
    return client;
  };
  await applyRoles.run({ owner: "test", database: name, ...roles }, context({ progress: silent }));
  const bucket = `backups-${name}`;
  await createBackupBucket(env, bucket);
  return {
    ...{ name, roles, bucket, env, notes, context, connect },
    appUrl: url(roles.app, password, name),
    async discard() {
      const client = await connect("admin", "postgres");
      const { rows } = await client.query<{ datname: string }>(
        "SELECT datname::text FROM pg_database WHERE datname LIKE $1",
        [`${name}%`],
      );
      for (const { datname } of rows) {
        await client.query(`DROP DATABASE ${pg.escapeIdentifier(datname)} WITH (FORCE)`);
      }
      await client.end();
    },
    async sql<Row extends pg.QueryResultRow>(
      as: "admin" | "migrator" | "app",
      text: string,
      values: unknown[] = [],
      database = name,
    ) {
      const client = await connect(as, database);
      try {
        return (await client.query<Row>(text, values)).rows;
      } finally {
        await client.end();
      }
    },
  };
}
