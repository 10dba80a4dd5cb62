import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import pg from "pg";
import { startPostgres } from "../../sandbox/postgres/server.ts";
import { startRedis, type RedisServer } from "../../sandbox/redis/server.ts";
import { startObjectStorage } from "../../sandbox/s3/server.ts";

/** Real PostgreSQL and Redis, and the sandbox's S3: what an application of the workload is given. */
export interface Services {
  /** A new database owned by the migrator; the application's role may read and write its rows and nothing else. */
  createDatabase(name: string): Promise<Database>;
  readonly redis: RedisServer;
  /** Starts Redis again, on the same port and data, after somebody closed it. */
  restartRedis(): Promise<RedisServer>;
  /** The variables that name Redis and object storage. */
  readonly variables: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

export interface Database {
  /** As the owner of the schema. */
  readonly migratorUrl: string;
  /** As the application. */
  readonly appUrl: string;
  query(text: string): Promise<Record<string, unknown>[]>;
  /** Lets the application only read, or write again, as a guarded migration does: the role's default, then an end to its sessions. */
  setReadOnly(readOnly: boolean): Promise<void>;
}

const bucket = "affexai-uploads";
const keys = { accessKeyId: "AKIAWORKLOADTESTS", secretAccessKey: "workload-tests-secret" };

export async function startServices(): Promise<Services> {
  const base = await mkdtemp(join(tmpdir(), "affexai-workload-"));
  // PostgreSQL and Redis run as users of their own and have to get in.
  await chmod(base, 0o755);
  const common = { host: "127.0.0.1", port: 0 };
  const [postgres, redis, storage] = await Promise.all([
    startPostgres({
      ...common,
      dir: join(base, "postgres"),
      user: "postgres",
      password: "admin-password",
      database: "postgres",
      settings: { fsync: "off" },
    }),
    startRedis({ ...common, dir: join(base, "redis"), password: "redis-password" }),
    startObjectStorage({ ...common, dir: join(base, "s3"), ...keys }),
  ]);
  await createBucket(storage.url);
  const admin = new pg.Client({ connectionString: postgres.url });
  await admin.connect();
  await admin.query("CREATE ROLE migrator LOGIN PASSWORD 'migrator-password'");
  await admin.query("CREATE ROLE app LOGIN PASSWORD 'app-password'");
  const services = { redis };
  return {
    get redis() {
      return services.redis;
    },
    async restartRedis() {
      services.redis = await startRedis({
        host: "127.0.0.1",
        port: redis.port,
        dir: join(base, "redis"),
        password: "redis-password",
      });
      return services.redis;
    },
    createDatabase: (name) => createDatabase(admin, `${postgres.host}:${postgres.port}`, name),
    variables: {
      REDIS_URL: redis.url,
      AWS_ENDPOINT_URL: storage.url,
      AWS_REGION: "us-east-1",
      AWS_ACCESS_KEY_ID: keys.accessKeyId,
      AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
      AWS_S3_BUCKET: bucket,
    },
    async close() {
      await admin.end();
      await Promise.all([postgres.close(), services.redis.close(), storage.close()]);
      await rm(base, { recursive: true });
    },
  };
}

async function createBucket(url: string): Promise<void> {
  const client = new S3Client({ endpoint: url, region: "us-east-1", credentials: keys, forcePathStyle: true });
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  client.destroy();
}

async function createDatabase(admin: pg.Client, host: string, name: string): Promise<Database> {
  await admin.query(`CREATE DATABASE ${name} OWNER migrator`);
  const migratorUrl = `postgresql://migrator:migrator-password@${host}/${name}`;
  const query = async (text: string): Promise<Record<string, unknown>[]> => {
    const client = new pg.Client({ connectionString: migratorUrl });
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(text)).rows;
    } finally {
      await client.end();
    }
  };
  // Exactly this: no CREATE, nothing on sequences, and the history of migrations (made here as TypeORM makes it) can only be read.
  await query("ALTER DEFAULT PRIVILEGES GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO app");
  await query("REVOKE CREATE ON SCHEMA public FROM PUBLIC");
  await query(
    "CREATE TABLE migrations (id serial PRIMARY KEY, timestamp bigint NOT NULL, name character varying NOT NULL)",
  );
  await query("REVOKE INSERT, UPDATE, DELETE ON migrations FROM app");
  const setReadOnly = async (readOnly: boolean): Promise<void> => {
    const setting = "default_transaction_read_only";
    await admin.query(`ALTER ROLE app IN DATABASE ${name} ${readOnly ? `SET ${setting} = on` : `RESET ${setting}`}`);
    await admin.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app' AND datname = $1", [
      name,
    ]);
  };
  return { migratorUrl, appUrl: `postgresql://app:app-password@${host}/${name}`, query, setReadOnly };
}
