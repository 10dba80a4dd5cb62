import type { Coolify } from "../context.ts";
import { plain, type Fields } from "../json.ts";
import type { Database } from "../records.ts";
import { ordered } from "./application-view.ts";
import { aggregate } from "./application-status.ts";
import { locate } from "./lookup.ts";
import { describeServer } from "./servers.ts";

const secret = ["postgres_password", "redis_password", "init_scripts"];
const lastSeen = new WeakMap<Database, string>();

/** The status of a database from its one container, named like its uuid; see applicationStatus. */
export async function databaseStatus(coolify: Coolify, database: Database): Promise<string> {
  try {
    const status = aggregate(await coolify.engine.withLabel("coolify.databaseId", `${database.id}`));
    lastSeen.set(database, status);
    return status;
  } catch {
    return lastSeen.get(database) ?? "exited:unhealthy";
  }
}

/** A database as the API gives it. Passwords and URLs only for tokens that may see secrets. */
export async function describeDatabase(
  coolify: Coolify,
  database: Database,
  view: { sensitive: boolean; nested?: boolean },
): Promise<Fields> {
  const { destination, server } = locate(coolify, database);
  const visible = Object.entries(database.columns).filter(([name]) => view.sensitive || !secret.includes(name));
  return ordered({
    ...(view.nested === true ? { id: database.id } : {}),
    uuid: database.uuid,
    ...Object.fromEntries(visible),
    ...(view.sensitive
      ? { internal_db_url: internalUrl(database), external_db_url: externalUrl(coolify, database) }
      : {}),
    database_type: `standalone-${database.kind}`,
    destination: {
      id: destination.id,
      uuid: destination.uuid,
      name: destination.name,
      network: destination.network,
      server: describeServer(server),
    },
    destination_id: destination.id,
    environment_id: database.environmentId,
    server_status: true,
    status: await databaseStatus(coolify, database),
    created_at: database.created_at,
    updated_at: database.updated_at,
  });
}

/** The URL inside the destination's network; the host is the uuid. */
export function internalUrl(database: Database): string {
  return url(database, database.uuid, database.kind === "postgresql" ? "5432" : "6379");
}

/** The URL through the published port, null without one. */
export function externalUrl(coolify: Coolify, database: Database): string | null {
  const { is_public: isPublic, public_port: port } = database.columns;
  if (isPublic !== true || port === null || port === undefined) return null;
  return url(database, locate(coolify, database).server.ip, plain(port));
}

function url({ kind, columns }: Database, host: string, port: string): string {
  const encode = (name: string): string => encodeURIComponent(plain(columns[name]));
  return kind === "postgresql"
    ? `postgres://${encode("postgres_user")}:${encode("postgres_password")}@${host}:${port}/${plain(columns.postgres_db)}`
    : `redis://default:${encode("redis_password")}@${host}:${port}/0`;
}
