import { writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import pc from "picocolors";
import type { Progress } from "../../operations/progress.ts";
import type { Context } from "../../operations/verb.ts";
import { sandboxDown } from "../verbs/down.ts";
import type { UpOptions } from "../verbs/up.ts";
import { bareDefaults } from "./chapters/bare-defaults.ts";
import { editedByHand } from "./chapters/drift.ts";
import { failingMigrations } from "./chapters/failing-migrations.ts";
import { firstRelease } from "./chapters/first-release.ts";
import { gatedRelease } from "./chapters/gated-release.ts";
import { goodRelease } from "./chapters/good-release.ts";
import { previewRelease } from "./chapters/preview.ts";
import { goBack, nothingToRollBack } from "./chapters/rollback.ts";
import { synchronizeRefused } from "./chapters/synchronize.ts";
import type { Claim } from "./claim.ts";
import { root } from "../setup/paths.ts";
import { openStage } from "./open.ts";
import { describePeers, peers } from "./peers.ts";
import type { Stage } from "./stage.ts";

export interface DemoResult {
  readonly ok: boolean;
  readonly claims: readonly Claim[];
}

export interface StoryOptions extends UpOptions {
  /** Leave the platform running. */
  readonly keep: boolean;
}

type Chapter = readonly [title: string, tell: (stage: Stage, progress: Progress) => Promise<Claim | Claim[]>];

/** The story, in the order it is told. Each chapter stands on what those before it left. */
const chapters: readonly Chapter[] = [
  ["1. The first release, from nothing", firstRelease],
  ["2. What the second release would do", previewRelease],
  ["3. The second release, under load", goodRelease],
  ["4. A third release that never gets ready", gatedRelease],
  ["   Nothing to roll back", nothingToRollBack],
  ["5. Migrations that fail half-way, and that destroy data", failingMigrations],
  ["6. Back to the first release, under load", goBack],
  ["7. synchronize=true", synchronizeRefused],
  ["8. Somebody edits a setting in Coolify by hand", editedByHand],
  ["   The same with bare Coolify", bareDefaults],
];

/**
 * Tells the whole story on an empty platform and checks each claim. The result is also left in the state folder. The stage is for whoever goes
 * on playing on it.
 */
export async function tellStory(
  { keep, runtime }: StoryOptions,
  context: Context,
): Promise<{ result: DemoResult; stage: Stage }> {
  const stage = await context.progress.step("0. The platform", (progress) =>
    openStage({ ...context, progress }, { runtime }),
  );
  try {
    const claims: Claim[] = [];
    for (const [title, tell] of chapters) {
      try {
        claims.push(...[await context.progress.step(title, (progress) => tell(stage, progress))].flat());
      } catch (error) {
        context.signal.throwIfAborted();
        // The chapters after it stand on what this one should have left.
        claims.push({
          name: title.trim(),
          ok: false,
          figures: {},
          problem: error instanceof Error ? error.message : String(error),
        });
        break;
      }
    }
    const result = { ok: claims.every(({ ok }) => ok), claims };
    await writeFile(join(stage.folder, "demo.json"), `${JSON.stringify({ ...result, peers }, null, 2)}\n`);
    return { result, stage };
  } finally {
    if (!keep || context.signal.aborted) {
      const uncancelled = { ...context, env: stage.env, signal: new AbortController().signal };
      await context.progress.step("stop the platform", (progress) => sandboxDown({ ...uncancelled, progress }));
    }
  }
}

/** The table at the end: each claim with its figures, what others publish, and how to step into a stage that was kept. */
export function describeDemo({ claims }: DemoResult, kept: Stage | null): string {
  const rows = claims.map(({ name, ok, figures, problem }) => {
    const list = Object.entries(figures)
      .filter(([, value]) => value !== "")
      .map(([key, value]) => `${key} ${value === null ? "-" : shorten(String(value))}`);
    const mark = ok ? pc.green("✓") : pc.red("✗");
    return [`${mark} ${name}`, `    ${list.join(" · ")}`, ...(problem === undefined ? [] : [pc.red(`    ${problem}`)])];
  });
  return ["", ...rows.flat(), "", ...describePeers(), "", ...(kept === null ? [] : waysIn(kept))].join("\n");
}

function waysIn({ folder, urls, env }: Stage): string[] {
  const place = `AFFEXAI_SANDBOX_DIR=${relative(root, folder)} AFFEXAI_SANDBOX_PORT=${env["AFFEXAI_SANDBOX_PORT"]}`;
  return [
    `The platform keeps running. The site: ${urls.frontend}/ and its API: ${urls.backend}/version`,
    `Step into it:  export ${place}; eval "$(./affexai sandbox env)"`,
    "Stop it:       ./affexai sandbox down   (in the same shell)",
    "",
  ];
}

/** Digests are long, and the first twelve digits tell them apart. */
function shorten(text: string): string {
  return text.replaceAll(/sha256:([0-9a-f]{12})[0-9a-f]{52}/g, "sha256:$1");
}
