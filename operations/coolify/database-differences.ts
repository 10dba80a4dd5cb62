import type { z } from "zod";
import type { Difference } from "../drift/spec.ts";
import type { Database } from "./answers.ts";
import type { Comparison, Mask } from "./differences.ts";

/** A database as declared: the fields that Coolify keeps of it, by their names there. */
export interface DeclaredDatabase {
  /** `postgresql` or `redis`. */
  readonly kind: "postgresql" | "redis";
  readonly name: string;
  readonly fields: Readonly<Record<string, string>>;
  /** The field that is a secret. */
  readonly secret: string;
}

/** What of a database is not as declared: its image and names, its password, that it is private and runs. Pure. */
export function databaseDifferences(
  { kind, name: own, fields, secret }: DeclaredDatabase,
  found: z.output<typeof Database>,
  mask: Mask,
): Comparison {
  const part = `${kind} ${own}`;
  const hidden = Object.keys(fields).filter((name) => found[name] === undefined);
  const differing = Object.entries(fields).filter(
    ([name, value]) => found[name] !== undefined && found[name] !== value,
  );
  const told = (name: string, value: string) => (name === secret ? mask(value) : value);
  const differences: Difference[] = [
    ...differing.map(([name, value]) => ({
      ...{ part, kind: "database" as const, name },
      ...{ declared: told(name, value), found: told(name, String(found[name])) },
    })),
    ...(found.is_public
      ? [
          {
            ...{ part, kind: "database" as const, name: "is_public", declared: "false" },
            found: `true, port ${found.public_port ?? "unknown"}`,
          },
        ]
      : []),
    ...(/^running(?!:unhealthy)/.test(found.status ?? "")
      ? []
      : [
          {
            ...{ part, kind: "database" as const, name: "status", declared: "running" },
            found: found.status ?? "unknown",
          },
        ]),
  ];
  return {
    differences,
    unobserved: hidden.map((name) => ({ part, what: name, reason: "Coolify hides it from this token" })),
  };
}
