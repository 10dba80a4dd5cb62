import { access, constants } from "node:fs/promises";
import { delimiter, join } from "node:path";

/**
 * What we install through a package manager. `postgres` is the server with its client programs, `docker` the engine with what stand-in images need;
 * `sshd`, `age` and `promtool` are for tests alone.
 */
export type Need = "postgres" | "redis" | "go" | "docker" | "sshd" | "age" | "promtool";

export interface PackageManager {
  /** The program's name, which is also what people call it. */
  readonly program: string;
  /** Whether it may stop to ask for a password. */
  readonly needsSudo: boolean;
  /** Run one after the other; each is a program and its arguments. */
  installCommands(needs: readonly Need[]): string[][];
}

interface Candidate {
  readonly program: string;
  readonly asUser: boolean;
  readonly installCommands: (needs: readonly Need[], isRoot: boolean) => string[][];
}

const managers: readonly Candidate[] = [
  manager(
    "apt-get",
    {
      postgres: ["postgresql"],
      redis: ["redis-server"],
      go: ["golang-go"],
      docker: ["docker.io", "busybox-static"],
      sshd: ["openssh-server"],
      age: ["age"],
      promtool: ["prometheus"],
    },
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
      sshd: ["openssh-server"],
      age: ["age"],
      promtool: ["golang-github-prometheus"],
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
      sshd: ["openssh-server"],
      age: ["age"],
      promtool: ["prometheus"],
    },
    { install: ["apk", "add"] },
  ),
  manager(
    "brew",
    {
      postgres: ["postgresql@17"],
      redis: ["redis"],
      go: ["go"],
      docker: ["docker"],
      sshd: ["openssh"],
      age: ["age"],
      promtool: ["prometheus"],
    },
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
    asUser: how.asUser === true,
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
  for (const { program, asUser, installCommands } of managers) {
    for (const folder of path.split(delimiter)) {
      if (await isExecutable(join(folder, program))) {
        const needsSudo = !asUser && !isRoot;
        return { program, needsSudo, installCommands: (needs) => installCommands(needs, isRoot) };
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
