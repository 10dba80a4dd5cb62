import type { Fields, Json } from "../json.ts";
import { newPassword } from "../identifiers.ts";
import type { DatabaseKind } from "../records.ts";
import { flagRule, number, text, whole, type Rule } from "../validation/field.ts";
import { databaseIdentifierRule, databasePasswordRule } from "../validation/patterns.ts";

const common = [
  "name",
  "description",
  "image",
  "public_port",
  "public_port_timeout",
  "is_public",
  "limits_memory",
  "limits_memory_swap",
  "limits_memory_swappiness",
  "limits_memory_reservation",
  "limits_cpus",
  "limits_cpuset",
  "limits_cpu_shares",
];
const ofKind: Record<DatabaseKind, string[]> = {
  postgresql: [
    "postgres_user",
    "postgres_password",
    "postgres_db",
    "postgres_initdb_args",
    "postgres_host_auth_method",
    "postgres_conf",
  ],
  redis: ["redis_password", "redis_conf"],
};
const placementFields = ["project_uuid", "environment_name", "environment_uuid", "server_uuid", "destination_uuid"];
const healthFields = [
  "health_check_enabled",
  "health_check_interval",
  "health_check_timeout",
  "health_check_retries",
  "health_check_start_period",
];
const otherKinds = (
  "clickhouse_admin_user,clickhouse_admin_password,dragonfly_password,keydb_password,keydb_conf,mariadb_conf,mariadb_root_password," +
  "mariadb_user,mariadb_password,mariadb_database,mongo_conf,mongo_initdb_root_username,mongo_initdb_root_password,mongo_initdb_database," +
  "mysql_root_password,mysql_password,mysql_user,mysql_database,mysql_conf"
).split(",");

/** Fields of a create: those of the kind, or of every kind (the handler's first, laxer list). */
export function createFields(kind: DatabaseKind | "any"): string[] {
  const own = kind === "any" ? [...ofKind.postgresql, ...ofKind.redis, ...otherKinds] : ofKind[kind];
  return [...common, ...placementFields, "instant_deploy", ...own, "tags"];
}

/** Fields of a PATCH. */
export function changeFields(kind: DatabaseKind): string[] {
  return [...common, "instant_deploy", ...ofKind[kind], ...healthFields];
}

/** The columns that a request may write. */
function columnFields(kind: DatabaseKind): string[] {
  return [...common, ...ofKind[kind], ...healthFields];
}

/** Checks that all kinds share (Coolify 379abb2, DatabasesController.php). */
export const commonRules: Record<string, Rule> = {
  name: text({ max: 255 }),
  description: text({ nullable: true }),
  image: text(),
  is_public: flagRule(),
  public_port: number({ nullable: true }),
  public_port_timeout: whole({ nullable: true, min: 1 }),
  limits_memory: text(),
  limits_memory_swap: text(),
  limits_memory_swappiness: number(),
  limits_memory_reservation: text(),
  limits_cpus: text(),
  limits_cpuset: text({ nullable: true }),
  limits_cpu_shares: number(),
};

/** Checks of a kind's own fields: the password's alphabet is a shell-safe one. */
export const kindRules: Record<DatabaseKind, Record<string, Rule>> = {
  postgresql: {
    postgres_user: databaseIdentifierRule,
    postgres_password: databasePasswordRule,
    postgres_db: databaseIdentifierRule,
    postgres_initdb_args: text(),
    postgres_host_auth_method: text(),
    postgres_conf: text(),
  },
  redis: { redis_password: databasePasswordRule, redis_conf: text() },
};

/** Checks of the health fields, which only PATCH takes. */
export const healthRules: Record<string, Rule> = {
  health_check_enabled: flagRule(),
  health_check_interval: whole({ min: 1 }),
  health_check_timeout: whole({ min: 1 }),
  health_check_retries: whole({ min: 1 }),
  health_check_start_period: whole({ min: 0 }),
};

/** A new database's columns. */
export function defaultDatabaseColumns(kind: DatabaseKind, uuid: string): Record<string, Json> {
  const shared = {
    description: null,
    is_public: false,
    public_port: null,
    public_port_timeout: 3600,
    limits_memory: "0",
    limits_memory_swap: "0",
    limits_memory_swappiness: 60,
    limits_memory_reservation: "0",
    limits_cpus: "0",
    limits_cpuset: null,
    limits_cpu_shares: 1024,
    health_check_enabled: true,
    health_check_interval: 15,
    health_check_timeout: 5,
    health_check_retries: 5,
    health_check_start_period: 5,
  };
  if (kind === "redis") {
    return {
      ...shared,
      name: `redis-database-${uuid}`,
      image: "redis:7.2",
      redis_password: newPassword(),
      redis_username: "default",
      redis_conf: null,
    };
  }
  return {
    ...shared,
    name: `postgresql-database-${uuid}`,
    image: "postgres:16-alpine",
    postgres_user: "postgres",
    postgres_password: newPassword(),
    postgres_db: "postgres",
    postgres_initdb_args: null,
    postgres_host_auth_method: null,
    postgres_conf: null,
  };
}

/** Writes the sent columns, each in the type of its default. */
export function applyDatabaseColumns(kind: DatabaseKind, columns: Record<string, Json>, input: Fields): void {
  for (const name of columnFields(kind)) {
    const value = input[name];
    if (value === undefined) continue;
    const before = columns[name];
    const toNumber = (typeof before === "number" || name === "public_port") && value !== null;
    const toFlag = typeof before === "boolean";
    columns[name] = toNumber ? Number(value) : toFlag ? [true, 1, "1"].some((truth) => truth === value) : value;
  }
}
