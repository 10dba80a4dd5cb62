import type { DataSource } from "typeorm";

/**
 * Migrations of this release that the database has not seen, by a query that changes nothing: TypeORM's own showMigrations()
 * creates the history table where it is missing (typeorm 1.1, src/migration/MigrationExecutor.ts), which this role may not.
 * Rows of newer releases are none of our business: a release may run on a schema that is ahead of it.
 */
export async function pendingMigrations(dataSource: DataSource): Promise<string[]> {
  const known = dataSource.migrations.map((migration) => migration.name ?? migration.constructor.name);
  const table = dataSource.options.migrationsTableName ?? "migrations";
  const [found] = await dataSource.query<{ exists: boolean }[]>(`SELECT to_regclass($1) IS NOT NULL AS "exists"`, [
    table,
  ]);
  if (found?.exists !== true) return known;
  const rows = await dataSource.query<{ name: string }[]>(`SELECT "name" FROM ${dataSource.driver.escape(table)}`);
  const applied = new Set(rows.map((row) => row.name));
  return known.filter((name) => !applied.has(name));
}
