import "reflect-metadata";
import path from "node:path";
import { DataSource, type DataSourceOptions } from "typeorm";
import { entities } from "./entities";

/**
 * What the application and every outside runner of migrations share. Connecting changes nothing: no schema synchronisation,
 * no migrations, no CREATE EXTENSION (which TypeORM issues by default; identifiers come from PostgreSQL's own gen_random_uuid).
 */
export const dataSourceOptions = {
  type: "postgres",
  url: process.env["DATABASE_URL"],
  entities,
  migrations: [path.join(__dirname, "migrations", "*.js")],
  migrationsTableName: "migrations",
  synchronize: false,
  migrationsRun: false,
  dropSchema: false,
  // One of the migrations cannot be part of the one transaction that TypeORM takes by default.
  migrationsTransactionMode: "each",
  installExtensions: false,
  uuidExtension: "pgcrypto",
  applicationName: "affexai-backend",
} as const satisfies DataSourceOptions;

/** For runners of migrations: constructing it does not connect. The only data source exported here: TypeORM's CLI wants exactly one. */
export const AppDataSource = new DataSource({ ...dataSourceOptions });
