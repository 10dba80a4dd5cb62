import { access, constants, readdir } from "node:fs/promises";
import { delimiter, join } from "node:path";

/** Where package managers put PostgreSQL's programs when they keep them out of PATH: `parent` holds one folder a major version. */
const postgresHomes: readonly { parent: string; version: RegExp; bin: string }[] = [
  { parent: "/usr/lib/postgresql", version: /^(\d+)$/, bin: "bin" },
  { parent: "/usr", version: /^pgsql-(\d+)$/, bin: "bin" },
  { parent: "/usr/libexec", version: /^postgresql(\d+)$/, bin: "" },
  { parent: "/opt/homebrew/opt", version: /^postgresql@(\d+)$/, bin: "bin" },
  { parent: "/usr/local/opt", version: /^postgresql@(\d+)$/, bin: "bin" },
  { parent: "/Applications/Postgres.app/Contents/Versions", version: /^(\d+)$/, bin: "bin" },
];

/** The programs of PostgreSQL that we run. All have to come from one folder: pg_dump refuses a server that is newer than itself. */
const postgresPrograms = ["initdb", "postgres", "pg_dump", "pg_restore", "psql"];

/** The folder with PostgreSQL's server and client programs, the newest version first, or null. */
export async function findPostgres(path = process.env["PATH"] ?? ""): Promise<string | null> {
  for (const folder of [...(await versionedFolders()), ...path.split(delimiter)]) {
    if (await hasAll(folder, postgresPrograms)) return folder;
  }
  return null;
}

/** The path of redis-server, or of valkey-server, its drop-in successor in some distributions; or null. */
export async function findRedis(path = process.env["PATH"] ?? ""): Promise<string | null> {
  const folders = [
    ...path.split(delimiter),
    "/usr/bin",
    "/usr/local/bin",
    "/opt/homebrew/bin",
    "/opt/homebrew/opt/redis/bin",
  ];
  for (const program of ["redis-server", "valkey-server"]) {
    for (const folder of folders) {
      if (await hasAll(folder, [program])) return join(folder, program);
    }
  }
  return null;
}

async function versionedFolders(): Promise<string[]> {
  const found: { major: number; folder: string }[] = [];
  for (const { parent, version, bin } of postgresHomes) {
    for (const entry of await readdir(parent).catch(() => [])) {
      const major = version.exec(entry)?.[1];
      if (major !== undefined) found.push({ major: Number(major), folder: join(parent, entry, bin) });
    }
  }
  return found.sort((a, b) => b.major - a.major).map(({ folder }) => folder);
}

async function hasAll(folder: string, programs: readonly string[]): Promise<boolean> {
  if (folder === "") return false;
  const missing = programs.map((program) => access(join(folder, program), constants.X_OK));
  return Promise.all(missing).then(
    () => true,
    () => false,
  );
}
