import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { findPostgres, findRedis } from "./find-servers.ts";
import { installPackages } from "./install-packages.ts";
import { findPackageManager } from "./package-manager.ts";
import { SetupError } from "./step.ts";

/** Where the programs of the real servers are. */
export interface Servers {
  /** The folder with postgres, initdb, pg_dump, pg_restore and psql. */
  readonly postgresBin: string;
  /** The path of redis-server. */
  readonly redisServer: string;
}

const names = { postgres: "PostgreSQL (server and client programs)", redis: "Redis" } as const;

/** Finds PostgreSQL and Redis, and installs what is missing through the machine's package manager. Throws SetupError with the command to type. */
export async function provideServers(logsFolder: string): Promise<Servers> {
  const found = await find();
  if (found.missing.length > 0) {
    if (found.missing.includes("postgres")) await preventDefaultCluster();
    await installPackages(found.missing, named(found.missing), join(logsFolder, "package-manager.log"));
  }
  const { postgres, redis, missing } = found.missing.length > 0 ? await find() : found;
  if (postgres !== null && redis !== null) return { postgresBin: postgres, redisServer: redis };
  throw new SetupError(
    `${named(missing)} cannot be found, though the package manager installed it.`,
    "Put its programs on PATH.",
  );
}

async function find() {
  const [postgres, redis] = await Promise.all([findPostgres(), findRedis()]);
  const missing = [...(postgres === null ? ["postgres" as const] : []), ...(redis === null ? ["redis" as const] : [])];
  return { postgres, redis, missing };
}

function named(needs: readonly (keyof typeof names)[]): string {
  return needs.map((need) => names[need]).join(" and ");
}

/**
 * Debian's package would make a cluster on port 5432 and start it. It must not, where PostgreSQL was not wanted before; what exists is left alone. With
 * sudo it does: it harms nothing, since the sandbox's servers have addresses of their own.
 */
async function preventDefaultCluster(): Promise<void> {
  if (process.getuid?.() !== 0 || (await findPackageManager())?.program !== "apt-get") return;
  const file = "/etc/postgresql-common/createcluster.d/affexai.conf";
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, "# The affexai sandbox makes clusters of its own.\ncreate_main_cluster = false\n");
}
