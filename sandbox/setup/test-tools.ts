import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { answers, engineAddress } from "../docker/engine-address.ts";
import { whyNoContainers } from "../docker/why-no-containers.ts";
import { installPackages } from "./install-packages.ts";
import { asTyped, findPackageManager, type Need, type PackageManager } from "./package-manager.ts";
import { toolsFolder } from "./paths.ts";
import { findProgram } from "./program-path.ts";
import { say, SetupError } from "./step.ts";

/** A program that only integration tests run. */
interface TestTool {
  readonly program: string;
  readonly need: Need;
  /** What its packages of Debian weigh, to download. */
  readonly megabytes: number;
}

const tools: readonly TestTool[] = [
  { program: "sshd", need: "sshd", megabytes: 2 },
  { program: "age", need: "age", megabytes: 2 },
  { program: "promtool", need: "promtool", megabytes: 23 },
];
const engine: TestTool = { program: "dockerd", need: "docker", megabytes: 70 };

export interface TestToolSetup {
  readonly path: string;
  readonly manager: PackageManager | null;
  /** Whether an engine is missing that could run here. */
  readonly wantsEngine: boolean;
  readonly install: (needs: readonly Need[], what: string) => Promise<void>;
  /** Tells people. */
  readonly say: (line: string) => void;
  /** A file with the tools that could not be had: set-up tries once, and says so once. */
  readonly record: string;
}

/** How this machine gets them. */
export async function ofThisMachine(): Promise<TestToolSetup> {
  const { PATH = "", DOCKER_HOST } = process.env;
  const hasEngine = DOCKER_HOST !== undefined || (await answers(engineAddress(undefined)));
  return {
    // Where Debian keeps servers, out of the PATH of users.
    path: `${PATH}:/usr/sbin`,
    manager: await findPackageManager(),
    wantsEngine: !hasEngine && (await whyNoContainers()) === null,
    install: (needs, what) => installPackages(needs, what, join(toolsFolder, "logs", "package-manager.log")),
    say,
    record: join(toolsFolder, "test-tools-missing"),
  };
}

/** Installs what is missing, where nobody has to be asked for a password. Never fails: a test without its tool is pending, and says what it lacks. */
export async function provideTestTools(setup: TestToolSetup): Promise<void> {
  const missing = await missingOf(setup.wantsEngine ? [...tools, engine] : tools, setup.path);
  const tried = await readFile(setup.record, "utf8").catch(() => "");
  if (missing.length === 0 || named(missing) === tried) return;
  await tryToInstall(missing, setup);
  await mkdir(dirname(setup.record), { recursive: true });
  await writeFile(setup.record, named(await missingOf(missing, setup.path)));
}

async function tryToInstall(missing: readonly TestTool[], setup: TestToolSetup): Promise<void> {
  const { manager, install, record } = setup;
  const needs = missing.map(({ need }) => need);
  const pending = `The tests that run ${named(missing)} are pending.`;
  if (manager === null) return setup.say(`${pending} No package manager was found to install them.`);
  const commands = manager.installCommands(needs);
  if (manager.needsSudo) return setup.say(`${pending} To run them too: ${asTyped(commands)}`);
  const megabytes = missing.reduce((sum, tool) => sum + tool.megabytes, 0);
  try {
    await install(needs, `${named(missing)} for the tests (${megabytes} MB)`);
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    setup.say(`${error.message}\n${pending} ${error.next}; or remove ${record}, and it is tried again.`);
  }
}

async function missingOf(wanted: readonly TestTool[], path: string): Promise<TestTool[]> {
  const found = await Promise.all(wanted.map(({ program }) => findProgram(program, path)));
  return wanted.filter((_, index) => found[index] === null);
}

function named(some: readonly TestTool[]): string {
  return some.map(({ program }) => program).join(", ");
}
