import { Database } from "../coolify/answers.ts";
import type { CoolifyClient } from "../coolify/client.ts";
import { databaseDifferences, type DeclaredDatabase } from "../coolify/database-differences.ts";
import type { Comparison, Mask } from "../coolify/differences.ts";
import type { EnvironmentView } from "../coolify/probe.ts";
import type { PostgresSpec, RedisSpec } from "../coolify/spec.ts";
import type { z } from "zod";

/** A database's spec with its password as Coolify's fields. */
export function declaredPostgres(
  { name, image, user, database }: z.output<typeof PostgresSpec>,
  password: string,
): DeclaredDatabase {
  const fields = { image, postgres_user: user, postgres_db: database, postgres_password: password };
  return { kind: "postgresql", name, fields, secret: "postgres_password" };
}

export function declaredRedis({ name, image }: z.output<typeof RedisSpec>, password: string): DeclaredDatabase {
  return { kind: "redis", name, fields: { image, redis_password: password }, secret: "redis_password" };
}

/** `uuid` is that of the database which `apply` found or made: another one of its name is another database. */
export async function compareDatabase(
  declared: DeclaredDatabase,
  uuid: string,
  { coolify, environment, mask }: { coolify: CoolifyClient; environment: EnvironmentView; mask: Mask },
): Promise<Comparison> {
  const siblings = declared.kind === "postgresql" ? environment.postgresqls : environment.redis;
  const found = siblings.some((one) => one.uuid === uuid) ? await coolify.find(`/databases/${uuid}`, Database) : null;
  const part = `${declared.kind} ${declared.name}`;
  const others = siblings.filter((one) => one.name === declared.name && one.uuid !== uuid);
  if (found === null || others.length > 0) {
    const names = others.map((one) => one.uuid).join(", ");
    const seen = found === null ? (names === "" ? null : `another one, ${names}`) : `and another one, ${names}`;
    return {
      differences: [{ part, kind: "database", name: "database", declared: uuid, found: seen }],
      unobserved: [],
    };
  }
  const compared = databaseDifferences(declared, found, mask);
  if (found.name === declared.name) return compared;
  const renamed = { part, kind: "database" as const, name: "name", declared: declared.name, found: found.name };
  return { ...compared, differences: [renamed, ...compared.differences] };
}
