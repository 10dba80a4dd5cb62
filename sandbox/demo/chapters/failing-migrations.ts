import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isFrozen } from "../../../operations/database/freeze.ts";
import { databaseAccess } from "../../../operations/database/access.ts";
import { withConnection } from "../../../operations/database/connection.ts";
import type { Progress } from "../../../operations/progress.ts";
import { readStack, type StackOutputs } from "../../../operations/stack.ts";
import { waitFor } from "../../../operations/wait.ts";
import type { RecordedRelease } from "../../verbs/publish.ts";
import { assert, claim, type Claim } from "../claim.ts";
import { fillWithContent } from "../content.ts";
import { loadFigures, underLoad } from "../load.ts";
import { contextOf, pulumiOn, serving, upArguments, type Stage } from "../stage.ts";
import { damageBetween, isUnharmed, wholeState } from "../whole-state.ts";
import { answerOf } from "./first-release.ts";
import { strategyLosesData } from "./strategy-scripts.ts";

/**
 * Release 4 fails half-way through its migrations; release 5 destroys data. Both declare maintenance, so the guarded migration may go
 * all the way back by itself, and proves that it did. Beside them, the strategy's own scripts under the same faults.
 */
export async function failingMigrations(stage: Stage, progress: Progress): Promise<Claim[]> {
  const [, , , halfway, destroying] = stage.releases;
  assert(halfway !== undefined && destroying !== undefined);
  const outputs = await readStack(stage.stack, contextOf(stage, progress));
  await progress.step("users and editors fill the database", () => fillWithContent(outputs.databaseUrl));
  const lost = await progress.step("the same faults with the strategy's own scripts, on a scratch copy", (inner) =>
    strategyLosesData(stage, outputs, inner),
  );
  return [
    await refusedInAdvance(stage, destroying, outputs, progress),
    await wayBack(stage, halfway, outputs, progress, "a migration that fails half-way is taken all the way back"),
    ...lost.halfway,
    await wayBack(stage, destroying, outputs, progress, "a migration that destroys data is caught, and taken back"),
    ...lost.destroying,
  ];
}

/** The destroying migration without its declaration of maintenance: somebody has to say that they mean it. */
async function refusedInAdvance(
  stage: Stage,
  { record }: RecordedRelease,
  { databaseUrl }: StackOutputs,
  progress: Progress,
): Promise<Claim> {
  const file = join(stage.folder, "undeclared.json");
  await writeFile(file, JSON.stringify({ ...record, id: "undeclared", maintenance: false }));
  const before = await wholeState(databaseUrl);
  const run = await progress.step(`pulumi up ${record.id} without maintenance`, (inner) =>
    pulumiOn(stage, upArguments, file, inner),
  );
  const damage = damageBetween(before, await wholeState(databaseUrl));
  // The engine breaks a rule's message into lines.
  const said = run.output.replaceAll(/\s+/g, " ");
  const named = /DESTROYS: (pages\.title[^.]*\.)/.exec(said)?.[1] ?? "";
  const previewRefused = said.includes("migration-declared");
  return claim(
    "a migration that would destroy data is refused in advance",
    {
      ...{ pulumiExitCode: run.exitCode, seconds: Math.round(run.seconds) },
      ...{ previewRefused, named, unharmed: isUnharmed(damage) },
    },
    ({ pulumiExitCode, unharmed }) => {
      assert.notEqual(pulumiExitCode, 0, "pulumi reported success");
      assert.equal(previewRefused, true, run.output.slice(-3000));
      assert.notEqual(named, "", run.output.slice(-3000));
      assert.equal(unharmed, true);
    },
  );
}

async function wayBack(
  stage: Stage,
  { record, file }: RecordedRelease,
  { databaseUrl, targets }: StackOutputs,
  progress: Progress,
  name: string,
): Promise<Claim> {
  const [, serves] = stage.releases;
  assert(serves !== undefined);
  const before = await wholeState(databaseUrl);
  const { result: up, load } = await underLoad(stage, () =>
    progress.step(`pulumi up ${record.id}, in maintenance, under load`, (inner) =>
      pulumiOn(stage, upArguments, file, inner),
    ),
  );
  const served = await progress.step(`${serves.record.id} serves`, (inner) => untilServing(stage, serves, inner));
  const damage = damageBetween(before, await wholeState(databaseUrl));
  const access = databaseAccess({ DATABASE_URL: databaseUrl }, "DATABASE_URL");
  const target = { database: targets.database, app: targets.roles.app };
  const frozen = await withConnection(access, { applicationName: "affexai-demo" }, (client) =>
    isFrozen(client, target),
  );
  return claim(
    name,
    {
      pulumiExitCode: up.exitCode,
      seconds: Math.round(up.seconds),
      wayBack: /\b(restored|reverted)\b/.exec(up.output)?.[1] ?? "none",
      tables: before.contents.size,
      rows: [...before.contents.values()].reduce((sum, { rows }) => sum + rows, 0),
      sameFingerprint: damage.sameFingerprint,
      changedTables: damage.changedTables.join(" "),
      serves: served,
      frozen,
      writes: await openTicket(stage),
      // In maintenance that was declared: not zero, and not hidden.
      ...loadFigures(load),
    },
    ({ pulumiExitCode, wayBack: way, writes }) => {
      assert.notEqual(pulumiExitCode, 0, "pulumi reported success");
      assert.notEqual(way, "none", up.output.slice(-3000));
      assert(isUnharmed(damage), JSON.stringify(damage));
      assert.equal(served, answerOf(serves.record, "backend"));
      assert.equal(frozen, false);
      assert.equal(writes, 201);
      assert(load.sent >= 500, `only ${load.sent} requests were sent`);
    },
  );
}

/** Maintenance may end a moment after the release that declared it. */
async function untilServing(stage: Stage, { record }: RecordedRelease, progress: Progress): Promise<string> {
  const wanted = answerOf(record, "backend");
  return waitFor(
    {
      what: `${stage.urls.backend} as ${record.id}`,
      timeoutMs: 60_000,
      intervalMs: 250,
      next: "See what the proxy and the backend's log say.",
      async look() {
        const seen = await serving(stage.urls.backend, stage.signal);
        return seen === wanted ? { done: true, value: seen } : { done: false, seen };
      },
    },
    contextOf(stage, progress),
  );
}

/** A write as users do it, through the proxy: the status of the answer. */
async function openTicket({ urls, signal }: Stage): Promise<number> {
  const response = await fetch(`${urls.backend}/api/tickets`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ subject: "Can I write?", body: "Yes.", email: "customer@affexai.example" }),
    signal: AbortSignal.any([signal, AbortSignal.timeout(10_000)]),
  });
  await response.body?.cancel();
  return response.status;
}
