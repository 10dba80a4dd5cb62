import type { Node } from "libpg-query";
import { withRemedy } from "../finding.ts";
import { parsed } from "./parsed.ts";
import type { ImageFacts, LintRule } from "./rule.ts";

/**
 * What PostgreSQL refuses inside a transaction block, where TypeORM runs a migration unless it says `transaction = false`:
 * SQLSTATE 25001, postgresql.org/docs/15/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY and the like.
 */
export const concurrentlyInTransaction: LintRule<ImageFacts> = ({ migrations, transactionMode }) =>
  migrations
    .filter(({ transaction }) => transaction && transactionMode !== "none")
    .flatMap(({ name, statements }) =>
      statements.flatMap((sql, index) =>
        parsed(sql)
          .map(needsNoTransaction)
          .filter((what) => what !== null)
          .map((what) => ({
            migration: name,
            finding: withRemedy(
              {
                rule: "concurrently-in-transaction",
                class: "WARN",
                text: `${what} cannot run inside a transaction, and this migration runs in one: it would fail.`,
                forbidden: true,
              },
              index,
            ),
          })),
      ),
    );

function needsNoTransaction(node: Node): string | null {
  if ("IndexStmt" in node && node.IndexStmt.concurrent === true) return "CREATE INDEX CONCURRENTLY";
  if ("DropStmt" in node && node.DropStmt.concurrent === true) return "DROP INDEX CONCURRENTLY";
  if ("ReindexStmt" in node && JSON.stringify(node.ReindexStmt.params ?? []).includes('"concurrently"'))
    return "REINDEX CONCURRENTLY";
  if ("VacuumStmt" in node && node.VacuumStmt.is_vacuumcmd === true) return "VACUUM";
  if ("CreatedbStmt" in node) return "CREATE DATABASE";
  if ("DropdbStmt" in node) return "DROP DATABASE";
  if ("AlterSystemStmt" in node) return "ALTER SYSTEM";
  if ("AlterTableStmt" in node && detachesConcurrently(node.AlterTableStmt.cmds ?? []))
    return "DETACH PARTITION CONCURRENTLY";
  return null;
}

function detachesConcurrently(commands: readonly Node[]): boolean {
  return commands.some(
    (one) =>
      "AlterTableCmd" in one &&
      one.AlterTableCmd.subtype === "AT_DetachPartition" &&
      JSON.stringify(one.AlterTableCmd.def ?? null).includes('"concurrent":true'),
  );
}
