import { access, constants, readdir } from "node:fs/promises";
import { delimiter, join } from "node:path";

/** A place where a package manager keeps PostgreSQL's programs out of PATH: `parent` holds one folder a major version. */
export interface VersionedHome {
  readonly parent: string;
  /** Captures the major version in a folder's name. */
  readonly version: RegExp;
  /** Below that folder. */
  readonly bin: string;
}

const postgresHomes: readonly VersionedHome[] = [
  { parent: "/usr/lib/postgresql", version: /^(\d+)$/, bin: "bin" },
  { parent: "/usr", version: /^pgsql-(\d+)$/, bin: "bin" },
  { parent: "/usr/libexec", version: /^postgresql(\d+)$/, bin: "" },
  { parent: "/opt/homebrew/opt", version: /^postgresql@(\d+)$/, bin: "bin" },
  { parent: "/usr/local/opt", version: /^postgresql@(\d+)$/, bin: "bin" },
  { parent: "/Applications/Postgres.app/Contents/Versions", version: /^(\d+)$/, bin: "bin" },
];

/** Where Redis is when it is not on PATH. */
const redisHomes = ["/usr/bin", "/usr/sbin", "/usr/local/bin", "/opt/homebrew/bin", "/opt/homebrew/opt/redis/bin"];

/** The programs of PostgreSQL that we run. All have to come from one folder: pg_dump refuses a server that is newer than itself. */
const postgresPrograms = ["initdb", "postgres", "pg_dump", "pg_restore", "psql"];

/** The folder with PostgreSQL's server and client programs, the newest version first, or null. */
export async function findPostgres(
  path = process.env["PATH"] ?? "",
  homes: readonly VersionedHome[] = postgresHomes,
): Promise<string | null> {
  for (const folder of [...(await versionedFolders(homes)), ...path.split(delimiter)]) {
    if (await hasAll(folder, postgresPrograms)) return folder;
  }
  return null;
}

/** The path of redis-server, or of valkey-server, its drop-in successor in some distributions; or null. */
export async function findRedis(
  path = process.env["PATH"] ?? "",
  homes: readonly string[] = redisHomes,
): Promise<string | null> {
  const folders = [...path.split(delimiter), ...homes];
  for (const program of ["redis-server", "valkey-server"]) {
    for (const folder of folders) {
      if (await hasAll(folder, [program])) return join(folder, program);
    }
  }
  return null;
}

async function versionedFolders(homes: readonly VersionedHome[]): Promise<string[]> {
  const found: { major: number; folder: string }[] = [];
  for (const { parent, version, bin } of homes) {
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
