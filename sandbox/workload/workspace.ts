import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { run } from "../../operations/process.ts";
import type { Progress } from "../../operations/progress.ts";
import { hashSources, listSources, type Sources } from "./sources.ts";

/**
 * A copy of the workspace outside the repository's own tree, in which releases are built one after another. Its compiled output
 * stays, so that the compiler only looks at what differs.
 */
export class Workspace {
  readonly root: string;

  readonly #signal: AbortSignal;

  constructor(dir: string, signal: AbortSignal) {
    this.root = join(dir, "workspace");
    this.#signal = signal;
  }

  /** Makes the workspace hold exactly these sources. Files that are equal are not touched. */
  async hold(sources: Sources): Promise<void> {
    await mkdir(this.root, { recursive: true });
    for (const path of await listSources(this.root)) {
      if (!sources.has(path)) await rm(join(this.root, path));
    }
    for (const [path, source] of sources) {
      const target = join(this.root, path);
      const content = await readFile(source);
      const there = await readFile(target).catch(() => undefined);
      if (there?.equals(content) === true) continue;
      await mkdir(dirname(target), { recursive: true });
      await writeFile(target, content);
    }
  }

  /** Installs exactly what the lockfile says, unless that was done; the mark of completion is written last. */
  async install(sources: Sources, progress: Progress): Promise<void> {
    const key = await hashSources(sources, [
      "package",
      ".npmrc",
      "apps/backend/package.json",
      "apps/frontend/package.json",
    ]);
    const mark = join(this.root, "node_modules", ".installed");
    if ((await readFile(mark, "utf8").catch(() => undefined)) === key) return;
    await progress.step("install the workload's packages (500 MB, under a minute)", () =>
      this.run("npm", ["ci", "--no-audit", "--no-fund"], 900_000),
    );
    await writeFile(mark, key);
  }

  /** Runs a script of an installed package, or one of the workspace's own, with this Node. */
  async node(script: string, parameters: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.run(process.execPath, [script, ...parameters], 600_000, env);
  }

  private async run(
    file: string,
    parameters: readonly string[],
    timeoutMs: number,
    env: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    await run({
      file,
      arguments: parameters,
      cwd: this.root,
      env: {
        ...env,
        PATH: `${dirname(process.execPath)}${delimiter}${process.env["PATH"] ?? ""}`,
        // Ours may preload what only makes sense for processes of the sandbox.
        NODE_OPTIONS: undefined,
      },
      timeoutMs,
      signal: this.#signal,
    });
  }
}
