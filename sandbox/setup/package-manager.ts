import { access, constants } from "node:fs/promises";
import { delimiter, join } from "node:path";

/** What we install through a package manager. `postgres` is the server with its client programs, `docker` the engine with what stand-in images need. */
export type Need = "postgres" | "redis" | "go" | "docker";

export interface PackageManager {
  /** The program's name, which is also what people call it. */
  readonly program: string;
  /** Run one after the other; each is a program and its arguments. */
  installCommands(needs: readonly Need[]): string[][];
}

interface Candidate {
  readonly program: string;
  readonly installCommands: (needs: readonly Need[], isRoot: boolean) => string[][];
}

const managers: readonly Candidate[] = [
  manager(
    "apt-get",
    { postgres: ["postgresql"], redis: ["redis-server"], go: ["golang-go"], docker: ["docker.io", "busybox-static"] },
    {
      before: [["apt-get", "update", "-q"]],
      install: ["apt-get", "install", "-q", "-y", "--no-install-recommends"],
    },
  ),
  manager(
    "dnf",
    {
      postgres: ["postgresql-server", "postgresql"],
      redis: ["redis"],
      go: ["golang"],
      docker: ["moby-engine", "busybox"],
    },
    { install: ["dnf", "install", "-y"] },
  ),
  manager(
    "apk",
    {
      postgres: ["postgresql", "postgresql-client"],
      redis: ["redis"],
      go: ["go"],
      docker: ["docker", "busybox-static"],
    },
    { install: ["apk", "add"] },
  ),
  manager(
    "brew",
    { postgres: ["postgresql@17"], redis: ["redis"], go: ["go"], docker: ["docker"] },
    { install: ["brew", "install"], asUser: true },
  ),
];

function manager(
  program: string,
  packages: Readonly<Record<Need, readonly string[]>>,
  how: { before?: string[][]; install: string[]; asUser?: boolean },
): Candidate {
  return {
    program,
    installCommands(needs, isRoot) {
      // sudo drops the environment; without this word a package's installation may stop to ask.
      const sudo = program === "apt-get" ? ["sudo", "DEBIAN_FRONTEND=noninteractive"] : ["sudo"];
      const powers = how.asUser === true || isRoot ? [] : sudo;
      return [
        ...(how.before ?? []).map((command) => [...powers, ...command]),
        [...powers, ...how.install, ...needs.flatMap((need) => packages[need])],
      ];
    },
  };
}

/** The first package manager that this machine has, or null. */
export async function findPackageManager(
  path = process.env["PATH"] ?? "",
  isRoot = process.getuid?.() === 0,
): Promise<PackageManager | null> {
  for (const { program, installCommands } of managers) {
    for (const folder of path.split(delimiter)) {
      if (await isExecutable(join(folder, program))) {
        return { program, installCommands: (needs) => installCommands(needs, isRoot) };
      }
    }
  }
  return null;
}

/** The commands as a person would type them. */
export function asTyped(commands: readonly string[][]): string {
  return commands.map((command) => command.join(" ")).join(" && ");
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
