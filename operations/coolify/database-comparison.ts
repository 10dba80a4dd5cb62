import type { z } from "zod";
import type { Database } from "./answers.ts";
import type { PostgresSpec, RedisSpec } from "./spec.ts";

/** A database as it is declared. */
export interface DeclaredDatabase {
  readonly kind: "postgresql" | "redis";
  readonly name: string;
  /** With a tag. */
  readonly image: string;
  /** What it is made with, by the names of Coolify's fields, such as `postgres_user`. */
  readonly fields: Readonly<Record<string, string>>;
}

export function declaredPostgres(
  { name, image, user, database }: Pick<z.output<typeof PostgresSpec>, "name" | "image" | "user" | "database">,
  password: string,
): DeclaredDatabase {
  const fields = { postgres_user: user, postgres_password: password, postgres_db: database };
  return { kind: "postgresql", name, image, fields };
}

export function declaredRedis(
  { name, image }: Pick<z.output<typeof RedisSpec>, "name" | "image">,
  password: string,
): DeclaredDatabase {
  return { kind: "redis", name, image, fields: { redis_password: password } };
}

/** A field of Coolify's record that has another value than declared. */
export interface DifferingField {
  readonly name: string;
  readonly declared: string;
  readonly found: unknown;
  /** Neither value may be told. */
  readonly secret: boolean;
}

export interface DatabaseComparison {
  /** The image and the fields that it was made with. */
  readonly differing: readonly DifferingField[];
  /** Fields that Coolify does not show to this token. */
  readonly hidden: readonly string[];
  /** Set when it is open to the internet; no database of ours is. */
  readonly open: { readonly port: string | null } | null;
}

/** What Coolify's record of a database says beside what is declared. Pure. */
export function compareWithRecord(
  { image, fields }: DeclaredDatabase,
  found: z.output<typeof Database>,
): DatabaseComparison {
  const declared = Object.entries({ image, ...fields });
  return {
    differing: declared.flatMap(([name, value]) =>
      found[name] === undefined || found[name] === value
        ? []
        : [{ name, declared: value, found: found[name], secret: name.endsWith("_password") }],
    ),
    hidden: declared.flatMap(([name]) => (found[name] === undefined ? [name] : [])),
    open: found.is_public ? { port: found.public_port ?? null } : null,
  };
}
