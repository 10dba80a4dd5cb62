import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { classifyMigrations } from "../../../../operations/migration/classify.ts";
import { describeImage, type MigrationImage, type RunScript } from "../../../../operations/migration/image-runner.ts";
import type { MigrationRecord, ReleaseRecord } from "../../../../operations/release/spec.ts";
import type { ScriptFor } from "../../../../operations/migration/revert.ts";
import type { Context } from "../../../../operations/verb.ts";
import { cleanUpLater } from "../../../clean-up.ts";
import { inDirectory } from "./in-directory.ts";

/** A migration as a test writes it: SQL statements, or the body of `up` where SQL is not enough. */
export interface TestMigration {
  readonly name: string;
  readonly up: readonly string[];
  readonly down?: readonly string[];
  readonly transaction?: boolean;
  /** The static property `affexai`. */
  readonly expects?: object;
}

export interface TestApplication {
  readonly migrations: readonly TestMigration[];
  /** TypeORM entity schemas as JavaScript, an array. */
  readonly entities?: string;
  /** Further options of the data source as JavaScript: `migrationsTransactionMode: "each",`. */
  readonly options?: string;
  readonly typeorm?: "typeorm" | "typeorm-0.3";
  readonly module?: "commonjs" | "module";
  readonly exported?: "default" | "named" | "promise";
}

export interface Application {
  readonly dir: string;
  readonly source: MigrationImage;
  readonly script: RunScript;
  record(context: Context, changes?: Partial<ReleaseRecord>): Promise<ReleaseRecord>;
}

const root = new URL("../../../../", import.meta.url).pathname;

/** The files of an application on disk, as an image unpacked would have them, with a real TypeORM. */
export async function application(options: TestApplication): Promise<Application> {
  const dir = await mkdtemp(join(tmpdir(), "affexai-application-"));
  cleanUpLater(() => rm(dir, { recursive: true, force: true }));
  const isModule = options.module === "module";
  await mkdir(join(dir, "node_modules"));
  await mkdir(join(dir, "dist"));
  await symlink(join(root, "node_modules", options.typeorm ?? "typeorm"), join(dir, "node_modules", "typeorm"));
  await writeFile(join(dir, "package.json"), JSON.stringify({ type: isModule ? "module" : "commonjs" }));
  const exporting = {
    default: isModule ? "export default source;" : "exports.default = source;",
    named: isModule ? "export const AppDataSource = source;" : "exports.AppDataSource = source;",
    promise: isModule ? "export default Promise.resolve(source);" : "exports.default = Promise.resolve(source);",
  }[options.exported ?? "default"];
  await writeFile(
    join(dir, "dist/data-source.js"),
    `${isModule ? 'import { DataSource, EntitySchema } from "typeorm";' : 'const { DataSource, EntitySchema } = require("typeorm");'}
     console.log("the application greets everybody on stdout");
     ${options.migrations.map(classOf).join("\n")}
     const source = new DataSource({
       type: "postgres", url: process.env.DATABASE_URL, entities: ${options.entities ?? "[]"},
       migrations: [${options.migrations.map(({ name }) => name).join(", ")}],
       ${options.options ?? ""}
     });
     ${exporting}`,
  );
  const source: MigrationImage = {
    image: `registry.example/affexai/backend@sha256:${createHash("sha256").update(dir).digest("hex")}`,
    imageRuntime: "unpacked",
    dataSource: "dist/data-source.js",
    nodePath: "node",
  };
  const script = inDirectory(dir);
  return {
    dir,
    source,
    script,
    async record(context, changes = {}) {
      const described = await describeImage(source, context, script);
      return {
        version: 1,
        id: "release-1",
        gitSha: "0".repeat(40),
        createdAt: "2026-01-01T00:00:00.000Z",
        images: { backend: source.image, frontend: source.image },
        migrations: (await classifyMigrations(described.migrations)).map(asRehearsed),
        contract: described.contract,
        typeorm: described.typeorm,
        maintenance: false,
        ...changes,
      };
    },
  };
}

/** Runs scripts in whichever of these applications an image is of. */
export function scriptIn(...applications: readonly Pick<Application, "source" | "script">[]): ScriptFor {
  return ({ image }) => {
    const found = applications.find(({ source }) => source.image === image);
    if (found === undefined) throw new Error(`no application of the test has the image ${image}`);
    return found.script;
  };
}

/** An opaque migration would be refused: these tests are about what happens when it runs. */
function asRehearsed(migration: MigrationRecord): MigrationRecord {
  if (migration.class !== "OPAQUE") return migration;
  return { ...migration, rehearsal: { backup: "rehearsed-on", ms: 0, statements: [] } };
}

function classOf({ name, up, down, transaction, expects }: TestMigration): string {
  const body = (statements: readonly string[]) =>
    statements
      .map((one) => (one.startsWith("js:") ? one.slice(3) : `await runner.query(${JSON.stringify(one)});`))
      .join("\n");
  return `class ${name} {
    ${expects === undefined ? "" : `static affexai = ${JSON.stringify(expects)};`}
    ${transaction === undefined ? "" : `transaction = ${transaction};`}
    async up(runner) { ${body(up)} }
    async down(runner) { ${body(down ?? [])} }
  }`;
}
