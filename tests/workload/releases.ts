import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silent } from "../../operations/progress.ts";
import { type Application, buildFolder, type BuiltRelease, buildReleases } from "../../sandbox/workload/build.ts";

/** The first build on a machine installs packages and compiles; give hooks that build this long, ms. */
export const buildLimitMs = 600_000;

/** The three releases, built. */
export async function builtReleases(): Promise<BuiltRelease[]> {
  const { signal } = new AbortController();
  return buildReleases({ releases: [1, 2, 3], dir: buildFolder, progress: silent, signal });
}

/**
 * An image's files, unpacked by themselves in a temporary folder: far from this repository's node_modules, so that what the image
 * lacks is missed.
 */
export async function unpack(release: BuiltRelease, application: Application): Promise<UnpackedImage> {
  const root = await mkdtemp(join(tmpdir(), `affexai-${application}-`));
  await cp(release.applications[application].files, root, { recursive: true });
  const { id, gitSha } = release;
  await writeFile(join(root, "release.json"), JSON.stringify({ id, gitSha }));
  return { root, remove: () => rm(root, { recursive: true }) };
}

export interface UnpackedImage {
  readonly root: string;
  remove(): Promise<void>;
}

/** As much of TypeORM's data source as the tests use. */
export interface MigratingDataSource {
  readonly isInitialized: boolean;
  readonly options: object;
  initialize(): Promise<unknown>;
  destroy(): Promise<void>;
  runMigrations(options: { transaction: "all" }): Promise<{ name: string }[]>;
  undoLastMigration(options: { transaction: "all" }): Promise<void>;
  query(text: string): Promise<Record<string, unknown>[]>;
  readonly driver: { createSchemaBuilder(): { log(): Promise<{ upQueries: { query: string }[] }> } };
}

/** A data source on the given database with the options, entities and migrations that the image holds. Not yet connected. */
export function dataSourceOf({ root }: UnpackedImage, url: string): MigratingDataSource {
  const file = join(root, "dist/database/data-source.js");
  const require = createRequire(file);
  const { dataSourceOptions } = require(file) as { dataSourceOptions: object };
  const { DataSource } = require("typeorm") as { DataSource: new (options: object) => MigratingDataSource };
  return new DataSource({ ...dataSourceOptions, url });
}

/** Runs an image's pending migrations as their owner; returns their names. */
export async function migrate(image: UnpackedImage, url: string): Promise<string[]> {
  const dataSource = dataSourceOf(image, url);
  await dataSource.initialize();
  try {
    return (await dataSource.runMigrations({ transaction: "all" })).map(({ name }) => name);
  } finally {
    await dataSource.destroy();
  }
}
