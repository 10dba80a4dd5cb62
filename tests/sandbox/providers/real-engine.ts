import { execa } from "execa";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { installProviders } from "../../../sandbox/providers/install.ts";
import { provideEngine } from "../../../sandbox/setup/engine.ts";
import { root } from "../../../sandbox/setup/paths.ts";

export interface Run {
  readonly exitCode: number;
  /** stdout and stderr as a person sees them. */
  readonly text: string;
}

/** A program of a test, run by the real engine with the stand-in providers and a state of its own. */
export interface RealEngine {
  readonly folder: string;
  /** Replaces the program: the body of a TypeScript module whose exports are the outputs. */
  program(source: string): Promise<void>;
  run(arguments_: string[], env?: Record<string, string>): Promise<Run>;
  /** Starts without waiting; for tests that end it early. */
  start(
    arguments_: string[],
    env?: Record<string, string>,
  ): { pid: number; ended: Promise<Run>; kill(signal: NodeJS.Signals): void };
  outputs(): Promise<Record<string, unknown>>;
  /** The state file's text: what anybody with access to it reads. */
  state(): Promise<string>;
  close(): Promise<void>;
}

/** Makes an empty project with one stack, in a folder under the system's temporary ones. `config` is the stack's, in YAML. */
export async function realEngine(config = "", env: Record<string, string> = {}): Promise<RealEngine> {
  const folder = await mkdtemp(join(tmpdir(), "affexai-engine-"));
  const home = join(folder, "home");
  const project = join(folder, "project");
  await mkdir(join(folder, "state"), { recursive: true });
  await mkdir(project);
  const [bin] = await Promise.all([provideEngine(join(folder, "logs")), installProviders(home)]);
  await writeFile(
    join(project, "Pulumi.yaml"),
    "name: trial\nruntime:\n  name: nodejs\n  options: { typescript: false }\nmain: index.ts\n",
  );
  await writeFile(join(project, "package.json"), '{ "type": "module" }\n');
  await symlink(join(root, "node_modules"), join(project, "node_modules"));
  const all = {
    PATH: `${bin}:${process.env["PATH"] ?? ""}`,
    PULUMI_HOME: home,
    PULUMI_BACKEND_URL: `file://${join(folder, "state")}`,
    PULUMI_CONFIG_PASSPHRASE: "trial",
    PULUMI_SKIP_UPDATE_CHECK: "1",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "1",
    ...env,
  };
  const start = (arguments_: string[], more: Record<string, string> = {}) =>
    execa(join(bin, "pulumi"), [...arguments_, "--non-interactive", "--color=never"], {
      cwd: project,
      env: { ...all, ...more },
      all: true,
      reject: false,
      timeout: 90_000,
    });
  const ended = async (child: ReturnType<typeof start>): Promise<Run> => {
    const { exitCode = -1, all: text = "" } = await child;
    return { exitCode, text };
  };
  await writeFile(join(project, "index.ts"), "export {};\n");
  const made = await ended(start(["stack", "init", "trial", "--secrets-provider", "passphrase"]));
  if (made.exitCode !== 0) throw new Error(made.text);
  const stackFile = join(project, "Pulumi.trial.yaml");
  if (config !== "") await writeFile(stackFile, `${await readFile(stackFile, "utf8")}config:\n${config}`);
  return {
    folder,
    program: (source) => writeFile(join(project, "index.ts"), source),
    run: (arguments_, more) => ended(start(arguments_, more)),
    start(arguments_, more) {
      const child = start(arguments_, more);
      return { pid: child.pid ?? 0, ended: ended(child), kill: (signal) => void child.kill(signal) };
    },
    async outputs() {
      const { exitCode, text } = await ended(start(["stack", "output", "--json", "--show-secrets"]));
      if (exitCode !== 0) throw new Error(text);
      return JSON.parse(text) as Record<string, unknown>;
    },
    state: () => readFile(join(folder, "state", ".pulumi", "stacks", "trial", "trial.json"), "utf8"),
    close: () => rm(folder, { recursive: true, force: true }),
  };
}
