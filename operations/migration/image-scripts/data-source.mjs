// The application's TypeORM data source and what its migrations are called. Nothing here connects.
import { createHash } from "node:crypto";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { Refusal, job } from "./protocol.mjs";

export async function loadDataSource() {
  const path = resolve(job.dataSource);
  const module = await import(pathToFileURL(path).href).catch((error) => {
    throw new Refusal(`${job.dataSource} could not be loaded: ${String(error?.message ?? error)}`);
  });
  const exported = [module, module.default, module.default?.default].flatMap((holder) =>
    holder === undefined || holder === null ? [] : [holder, ...Object.values(holder)],
  );
  const values = await Promise.all(exported.map(async (value) => value));
  const found = new Set(
    values.filter((value) => typeof value?.runMigrations === "function" && value.options !== undefined),
  );
  if (found.size !== 1)
    throw new Refusal(`${job.dataSource} exports ${found.size} TypeORM data sources instead of one`);
  const [dataSource] = found;
  if (dataSource.options.type !== "postgres")
    throw new Refusal(`${job.dataSource} is for ${dataSource.options.type}, not for postgres`);
  return dataSource;
}

export function nameOf(migration) {
  return migration.name ?? migration.constructor.name;
}

/** Of the compiled class as Node holds it, wherever its file is (a bundle has the same as single files), and of what it expects. */
export function sourceHash(migration) {
  const { affexai } = migration.constructor;
  const parts = [migration.constructor, migration.up, migration.down].map(String);
  if (affexai !== undefined) parts.push(JSON.stringify(affexai));
  return createHash("sha256").update(parts.join("\n")).digest("hex");
}
