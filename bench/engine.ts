import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "../operations/process.ts";
import { programFolder } from "../operations/stack.ts";
import type { Context } from "../operations/verb.ts";
import { firstRelease } from "../sandbox/demo/chapters/first-release.ts";
import { openStage } from "../sandbox/demo/open.ts";
import { contextOf } from "../sandbox/demo/stage.ts";
import { sandboxDown } from "../sandbox/verbs/down.ts";
import { atMost, median, reported, type Figure } from "./figure.ts";

const rounds = 5;
const limitMs = 300_000;

/** `pulumi preview` of the full stack, unchanged, against a program that declares nothing: the same engine, in turn, in one run. */
export async function benchEngine(context: Context): Promise<Figure[]> {
  const stage = await context.progress.step("a platform with the first release", (progress) =>
    openStage({ ...context, progress }),
  );
  const empty = await mkdtemp(join(tmpdir(), "affexai-empty-program-"));
  try {
    const deployed = await context.progress.step("the first release", (progress) => firstRelease(stage, progress));
    if (!deployed.ok) throw new Error(`the first release did not serve: ${deployed.problem ?? "no reason given"}`);
    await makeEmptyProgram(empty);
    const { env } = contextOf(stage, context.progress);
    const pulumi = (cwd: string, args: string[]) =>
      run({
        file: "pulumi",
        arguments: [...args, "--non-interactive"],
        cwd,
        env,
        timeoutMs: limitMs,
        signal: context.signal,
      });
    await pulumi(empty, ["stack", "init", "bench"]);
    await pulumi(empty, ["up", "--yes", "--skip-preview", "--stack", "bench"]);
    const previews = { empty: [] as number[], full: [] as number[] };
    for (let round = 0; round <= rounds; round += 1) {
      for (const [name, cwd, stack] of [
        ["empty", empty, "bench"],
        ["full", programFolder, stage.stack],
      ] as const) {
        const started = performance.now();
        await pulumi(cwd, ["preview", "--stack", stack, "--expect-no-changes"]);
        // The first of each fills caches.
        if (round > 0) previews[name].push((performance.now() - started) / 1000);
        context.progress.note(`${name}: ${((performance.now() - started) / 1000).toFixed(1)} s`);
      }
    }
    const [full, nothing] = [median(previews.full), median(previews.empty)];
    return [
      reported("pulumi preview of an empty program, median", nothing, "s"),
      reported("pulumi preview of the unchanged stack, median", full, "s"),
      atMost("unchanged stack against an empty program", full / nothing, "times", 2),
    ];
  } finally {
    await rm(empty, { recursive: true, force: true });
    await sandboxDown({ ...contextOf(stage, context.progress), signal: new AbortController().signal });
  }
}

async function makeEmptyProgram(folder: string): Promise<void> {
  const runtime = "runtime:\n  name: nodejs\n  options:\n    typescript: false\n";
  await writeFile(join(folder, "Pulumi.yaml"), `name: empty\n${runtime}main: index.ts\n`);
  await writeFile(join(folder, "package.json"), JSON.stringify({ name: "empty", type: "module", main: "index.ts" }));
  await writeFile(join(folder, "index.ts"), 'import "@pulumi/pulumi";\n');
  await symlink(join(programFolder, "node_modules"), join(folder, "node_modules"));
}
