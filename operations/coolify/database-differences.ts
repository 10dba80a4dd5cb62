import type { z } from "zod";
import type { Difference } from "../drift/spec.ts";
import type { Database } from "./answers.ts";
import { compareWithRecord, type DeclaredDatabase } from "./database-comparison.ts";
import type { Comparison, Mask } from "./differences.ts";

/** What of a database is not as declared: its image and names, its password, that it is private and runs. Pure. */
export function databaseDifferences(
  declared: DeclaredDatabase,
  found: z.output<typeof Database>,
  mask: Mask,
): Comparison {
  const part = `${declared.kind} ${declared.name}`;
  const { differing, hidden, open } = compareWithRecord(declared, found);
  const row = (name: string, was: string, is: string): Difference => ({
    ...{ part, kind: "database", name },
    ...{ declared: was, found: is },
  });
  return {
    differences: [
      ...differing.map(({ name, declared: value, found: seen, secret }) =>
        secret ? row(name, mask(value), mask(String(seen))) : row(name, value, String(seen)),
      ),
      ...(open === null ? [] : [row("is_public", "false", `true, port ${open.port ?? "unknown"}`)]),
      ...(/^running(?!:unhealthy)/.test(found.status ?? "")
        ? []
        : [row("status", "running", found.status ?? "unknown")]),
    ],
    unobserved: hidden.map((name) => ({ part, what: name, reason: "Coolify hides it from this token" })),
  };
}
