import pg from "pg";
import { applyPostgres, applyRedis } from "../../../operations/coolify/databases.ts";
import { applyApplication } from "../../../operations/coolify/application.ts";
import type { ApplicationSpec } from "../../../operations/coolify/spec.ts";
import { applyRoles } from "../../../operations/database/roles.ts";
import { compareStack } from "../../../operations/drift/compare.ts";
import type { StackState } from "../../../operations/drift/managed.ts";
import { repairStack } from "../../../operations/drift/repair.ts";
import type { DriftReport } from "../../../operations/drift/spec.ts";
import type { Ledger } from "../../../operations/release/ledger.ts";
import { runSmokeTest } from "../../../operations/release/smoke.ts";
import type { Context } from "../../../operations/verb.ts";
import type { Fields } from "../../../sandbox/coolify/json.ts";
import { recorded } from "../coolify/context.ts";
import { openPlatform, type Platform } from "../coolify/platform.ts";
import { record } from "../../release-record.ts";

/** Planted in variables, databases and roles: none of them may ever be seen in a report. */
export const planted = {
  jwt: "planted-jwt-secret-1",
  postgres: "PlantedPostgres4242",
  redis: "PlantedRedis424242",
  role: "planted-role-password",
};

/** A platform on which everything that a stack's state holds was really applied, and that state. */
export interface Stage {
  readonly platform: Platform;
  readonly state: StackState;
  readonly ledger: Ledger;
  readonly context: Context;
  /** The uuids of the backend's two replicas, of the standby, and of both databases. */
  readonly uuids: Record<"backend" | "second" | "page" | "postgres" | "redis", string>;
  compare(): Promise<DriftReport>;
  repair(report: DriftReport): Promise<string[]>;
  patch(uuid: string, body: Fields): Promise<void>;
  sql(statement: string): Promise<void>;
  close(): Promise<void>;
}

export async function openDriftStage(): Promise<Stage> {
  const platform = await openPlatform();
  const { workshop } = platform;
  const image = await platform.release(record.id);
  const password = { MIGRATOR_PASSWORD: planted.role, APP_PASSWORD: planted.role, BACKUP_PASSWORD: planted.role };
  const context = recorded({ ...platform.env });
  const withEnv = (env: Record<string, string>): Context => ({ ...context, env: { ...context.env, ...env } });
  const secret = { VARIABLE_JWT_SECRET: planted.jwt };
  const backend = platform.spec({
    name: "backend",
    image,
    replicas: 2,
    stamp: { id: record.id, after: null },
    variables: { FLAGS: "a,b" },
  });
  const page: ApplicationSpec = {
    ...platform.spec({ name: "page", image }),
    ...{ stamp: null, standby: true, secretVariables: [], replicas: 1 },
  };
  const { placement } = backend;
  const { uuids } = await applyApplication.run(backend, withEnv(secret));
  const standby = await applyApplication.run(page, withEnv({}));
  const postgres = { owner: "database", placement, name: "affexai-postgres", image: "postgres:16-alpine" };
  const postgresSpec = { ...postgres, user: "affexai_admin", database: "affexai" };
  const redisSpec = { owner: "cache", placement, name: "affexai-redis", image: "redis:7-alpine" };
  const [postgresEnv, redisEnv] = [{ POSTGRES_PASSWORD: planted.postgres }, { REDIS_PASSWORD: planted.redis }];
  const database = await applyPostgres.run(postgresSpec, withEnv(postgresEnv));
  const cache = await applyRedis.run(redisSpec, withEnv(redisEnv));
  const { NetworkSettings } = await workshop.docker.getContainer(database.uuid).inspect();
  const address = Object.values(NetworkSettings.Networks)[0]?.IPAddress ?? "";
  const adminUrl = `postgresql://affexai_admin:${planted.postgres}@${address}:5432/affexai`;
  const roles = { owner: "roles", database: "affexai", migrator: "affexai_migrator", app: "affexai_app" };
  const rolesSpec = { ...roles, backup: "affexai_backup" };
  const rolesEnv = { ADMIN_DATABASE_URL: adminUrl, ...password };
  await applyRoles.run(rolesSpec, withEnv(rolesEnv));
  const sql = async (statement: string) => {
    const client = new pg.Client({ connectionString: adminUrl });
    await client.connect();
    try {
      await client.query(statement);
    } finally {
      await client.end();
    }
  };
  await sql("SET ROLE affexai_migrator; CREATE TABLE notes (id int PRIMARY KEY)");

  const url = `http://127.0.0.1:${backend.publicPort ?? 80}`;
  const smoke = {
    ...{ stamp: { id: record.id, after: null }, ledger: backend.ledger, criticalPaths: [], consecutive: 2 },
    ...{ timeoutSeconds: 30, after: [], applications: [{ name: "backend", url, image, versionPath: "/version" }] },
  };
  const { attempt } = await runSmokeTest.run(smoke, context);
  const ledger = platform.ledger(backend);
  await ledger.putRelease(record);
  await ledger.close(attempt, "verified", "the tests' first release");

  const registry = { host: workshop.registry, username: workshop.credentials.username };
  const managed = (
    resource: string,
    noun: string,
    spec: unknown,
    more: Partial<StackState["managed"][number]> = {},
  ) => ({
    ...{ resource, noun, verb: "apply", spec, env: {}, result: null },
    ...more,
  });
  const state: StackState = {
    interrupted: [],
    managed: [
      managed(
        "project-apply",
        "project",
        { owner: "project", name: "shop", environment: "production", server: "localhost", registry },
        { result: placement },
      ),
      managed("database-apply", "postgres", postgresSpec, { env: postgresEnv, result: database }),
      managed("cache-apply", "redis", redisSpec, { env: redisEnv, result: cache }),
      managed("roles-apply", "roles", rolesSpec, { env: rolesEnv }),
      managed("page-apply", "application", page),
      managed("backend-apply", "application", backend, { env: secret }),
      managed("smoke-test-run", "smoke", smoke),
      managed("ledger-entry-record", "ledger", {
        ...{ record, stamp: smoke.stamp, ledger: backend.ledger, url, after: [] },
      }),
    ],
  };
  return {
    platform,
    state,
    ledger,
    context,
    uuids: {
      backend: uuids[0] ?? "",
      second: uuids[1] ?? "",
      page: standby.uuids[0] ?? "",
      postgres: database.uuid,
      redis: cache.uuid,
    },
    compare: () => compareStack("test", state, [], context),
    repair: (report) => repairStack(state, report, context),
    async patch(uuid, body) {
      await workshop.coolify.expect(200, "PATCH", `/applications/${uuid}`, body);
    },
    sql,
    close: () => platform.close(),
  };
}

/** Puts an application back as it was, so that the next edit is the only one. */
export async function snapshot(stage: Stage, uuid: string): Promise<() => Promise<void>> {
  const { coolify } = stage.platform.workshop;
  const patch = (body: Fields) => stage.patch(uuid, body);
  const read = async () => ({
    application: await coolify.expect(200, "GET", `/applications/${uuid}`),
    rows: (await coolify.expect(200, "GET", `/applications/${uuid}/envs`)).list as Fields[],
  });
  const before = await read();
  return async () => {
    const now = await read();
    const settings = (one: Fields) => ({ ...one, ...(one.settings as Fields) });
    const [old, edited] = [settings(before.application), settings(now.application)];
    const names = Object.keys(old).filter((name) => JSON.stringify(old[name]) !== JSON.stringify(edited[name]));
    const readOnly = [
      "updated_at",
      "status",
      "destination",
      "settings",
      "fqdn",
      "custom_labels",
      "http_basic_auth_username",
      "http_basic_auth_password",
    ];
    const fields = Object.fromEntries(
      names.filter((name) => !readOnly.includes(name)).map((name) => [name, old[name] ?? null]),
    );
    if (names.includes("fqdn")) await patch({ domains: null });
    if (Object.keys(fields).length > 0) await patch(fields);
    await patch({ custom_labels: old.custom_labels ?? null });
    for (const row of now.rows) await coolify.expect(200, "DELETE", `/applications/${uuid}/envs/${row.uuid as string}`);
    const data: Fields[] = before.rows
      .filter(({ is_preview }) => is_preview === false)
      .map((row): Fields => ({
        ...{ key: row.key ?? null, value: row.value ?? null, is_preview: false, is_literal: row.is_literal ?? null },
        ...{ is_multiline: row.is_multiline ?? null, is_shown_once: row.is_shown_once ?? null },
        ...{ is_runtime: row.is_runtime ?? null, is_buildtime: row.is_buildtime ?? null },
      }));
    await coolify.expect(201, "PATCH", `/applications/${uuid}/envs/bulk`, { data });
  };
}
