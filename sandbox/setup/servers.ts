import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { findPostgres, findRedis } from "./find-servers.ts";
import { asTyped, findPackageManager, type Need, type PackageManager } from "./package-manager.ts";
import { logTail, runLogged, say, SetupError } from "./step.ts";

/** Where the programs of the real servers are. */
export interface Servers {
  /** The folder with postgres, initdb, pg_dump, pg_restore and psql. */
  readonly postgresBin: string;
  /** The path of redis-server. */
  readonly redisServer: string;
}

const names: Readonly<Record<"postgres" | "redis", string>> = {
  postgres: "PostgreSQL (server and client programs)",
  redis: "Redis",
};

/** Finds PostgreSQL and Redis, and installs what is missing through the machine's package manager. Throws SetupError with the command to type. */
export async function provideServers(logsFolder: string): Promise<Servers> {
  const found = await find();
  const missing = missingIn(found);
  if (missing.length === 0) return complete(found);
  await install(missing, join(logsFolder, "package-manager.log"));
  const now = await find();
  const still = missingIn(now);
  if (still.length === 0) return complete(now);
  throw new SetupError(
    `${still.map((need) => names[need]).join(" and ")} cannot be found, though the package manager installed it.`,
    "Put its programs on PATH.",
  );
}

async function install(missing: readonly ("postgres" | "redis")[], logFile: string): Promise<void> {
  const what = missing.map((need) => names[need]).join(" and ");
  const manager = await findPackageManager();
  if (manager === null) {
    throw new SetupError(
      `${what} is missing, and no package manager was found (apt-get, dnf, apk, brew).`,
      `Install ${what} and put its programs on PATH.`,
    );
  }
  await preventDefaultCluster(missing, manager);
  const commands = manager.installCommands(missing);
  say(`installing ${what} through ${manager.program}, about a minute: ${asTyped(commands)}`);
  for (const command of commands) {
    const installed = await runLogged({
      command,
      logFile,
      timeoutMs: 10 * 60_000,
      env: { DEBIAN_FRONTEND: "noninteractive" },
    });
    if (!installed) {
      throw new SetupError(
        `${what} could not be installed: ${command.join(" ")} failed.\n${await logTail(logFile)}`,
        `Run: ${asTyped(commands)}`,
      );
    }
  }
}

/** Debian's package would make a cluster on port 5432 and start it. It must not, where PostgreSQL was not wanted before; what exists is left alone. */
async function preventDefaultCluster(missing: readonly Need[], { program }: PackageManager): Promise<void> {
  if (program !== "apt-get" || !missing.includes("postgres") || process.getuid?.() !== 0) return;
  const file = "/etc/postgresql-common/createcluster.d/affexai.conf";
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, "# The affexai sandbox makes clusters of its own.\ncreate_main_cluster = false\n");
}

async function find(): Promise<{ postgres: string | null; redis: string | null }> {
  const [postgres, redis] = await Promise.all([findPostgres(), findRedis()]);
  return { postgres, redis };
}

function missingIn(found: { postgres: string | null; redis: string | null }): ("postgres" | "redis")[] {
  return (["postgres", "redis"] as const).filter((need) => found[need] === null);
}

function complete({ postgres, redis }: { postgres: string | null; redis: string | null }): Servers {
  if (postgres === null || redis === null) throw new Error("Servers were asked for before they were found.");
  return { postgresBin: postgres, redisServer: redis };
}
