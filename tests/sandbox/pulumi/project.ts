import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { toolsFolder } from "../../../sandbox/setup/paths.ts";
import { programPath } from "../../../sandbox/setup/program-path.ts";

interface Answer {
  readonly exitCode: number | undefined;
  /** Both streams. */
  readonly output: string;
}

/** A Pulumi project of its own with the real engine and a file backend, in a folder from which this repository's packages can be imported. */
export interface Project {
  readonly folder: string;
  readonly home: string;
  readonly env: Readonly<Record<string, string>>;
  pulumi(...args: string[]): Promise<Answer>;
  remove(): Promise<void>;
}

/** Makes a project from its files, by name, and a stack `dev` in it. */
export async function makeProject(files: Readonly<Record<string, string>>): Promise<Project> {
  await mkdir(toolsFolder, { recursive: true });
  const base = await mkdtemp(join(toolsFolder, "project-"));
  const [folder, home, state] = [join(base, "program"), join(base, "home"), join(base, "state")];
  await Promise.all([mkdir(folder), mkdir(home), mkdir(state)]);
  const all = {
    "Pulumi.yaml": "name: tiny\nruntime: nodejs\nmain: index.ts\n",
    "package.json": '{"type":"module"}\n',
    ...files,
  };
  for (const [name, text] of Object.entries(all)) {
    await mkdir(join(folder, name, ".."), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  const env = {
    PATH: await programPath(process.env["PATH"] ?? ""),
    PULUMI_HOME: home,
    PULUMI_BACKEND_URL: `file://${state}`,
    PULUMI_CONFIG_PASSPHRASE: "tiny",
    PULUMI_SKIP_UPDATE_CHECK: "1",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "1",
  };
  const pulumi = async (...args: string[]): Promise<Answer> => {
    const { exitCode, all } = await execa("pulumi", [...args, "--non-interactive", "--color", "never"], {
      cwd: folder,
      env,
      all: true,
      stdin: "ignore",
      timeout: 110_000,
      reject: false,
    });
    return { exitCode, output: all };
  };
  await pulumi("stack", "init", "dev");
  return { folder, home, env, pulumi, remove: () => rm(base, { recursive: true }) };
}
