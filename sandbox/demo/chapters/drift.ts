import { execa } from "execa";
import { DriftReport } from "../../../operations/drift/spec.ts";
import { exitCodes } from "../../../operations/error.ts";
import type { Progress } from "../../../operations/progress.ts";
import { programFolder, readStack } from "../../../operations/stack.ts";
import { assert, claim, type Claim } from "../claim.ts";
import { loadFigures, noneLost, underLoad } from "../load.ts";
import { contextOf, type Stage } from "../stage.ts";

/** Somebody turns the backend's health gate off in Coolify: `affexai drift` names that and nothing else, and puts it back. */
export async function editedByHand(stage: Stage, progress: Progress): Promise<Claim> {
  const { result, load } = await underLoad(stage, async () => {
    await progress.step("somebody turns the backend's health check off in Coolify", () =>
      editInCoolify(stage, progress),
    );
    const found = await progress.step("affexai drift", () => drift(stage, []));
    const repaired = await progress.step("affexai drift --repair", () => drift(stage, ["--repair"]));
    return { found, repaired };
  });
  const { found, repaired } = result;
  return claim(
    "a setting edited by hand is reported as drift, that and nothing else, and put back without losing a request",
    {
      exitCode: found.exitCode ?? null,
      differences: found.report.differences.length,
      found: found.report.differences.map(describe).join(", "),
      secondsToFind: found.seconds,
      exitCodeAfterRepair: repaired.exitCode ?? null,
      repaired: repaired.report.repaired.join(" "),
      secondsToRepair: repaired.seconds,
      ...loadFigures(load),
    },
    ({ exitCode, found: told, exitCodeAfterRepair, repaired: resources }) => {
      assert.equal(exitCode, exitCodes.drift);
      assert.equal(told, "backend: setting health_check_enabled true -> false");
      assert.deepEqual(found.report.unchecked, []);
      assert.equal(exitCodeAfterRepair, exitCodes.ok, JSON.stringify(repaired.report.differences));
      assert.equal(resources, "backend-apply");
      noneLost(load);
    },
  );
}

function describe({ part, kind, name, declared, found }: DriftReport["differences"][number]): string {
  return `${part}: ${kind} ${name} ${declared ?? "nothing"} -> ${found ?? "nothing"}`;
}

/** As a person does it: one request beside all that is managed. */
async function editInCoolify(stage: Stage, progress: Progress): Promise<void> {
  const { targets } = await readStack(stage.stack, contextOf(stage, progress));
  const uuid = targets.applications.find(({ name }) => name === "backend")?.uuids[0] ?? "";
  const { COOLIFY_URL = "", COOLIFY_TOKEN = "" } = stage.env;
  const answer = await fetch(`${COOLIFY_URL}/api/v1/applications/${uuid}`, {
    method: "PATCH",
    headers: { authorization: `Bearer ${COOLIFY_TOKEN}`, "content-type": "application/json" },
    body: JSON.stringify({ health_check_enabled: false }),
    signal: stage.signal,
  });
  assert.equal(answer.status, 200, await answer.text());
}

/** Runs the command that people and CI run. */
async function drift(
  stage: Stage,
  args: readonly string[],
): Promise<{ exitCode: number | undefined; report: DriftReport; seconds: number }> {
  const started = performance.now();
  const { exitCode, stdout, stderr } = await execa(
    process.execPath,
    ["operations/cli.ts", "drift", "--stack", stage.stack, "--json", ...args],
    { cwd: programFolder, env: { ...stage.env }, cancelSignal: stage.signal, reject: false },
  );
  stage.signal.throwIfAborted();
  assert.notEqual(stdout, "", stderr);
  const seconds = Math.round((performance.now() - started) / 100) / 10;
  return { exitCode, report: DriftReport.parse(JSON.parse(stdout)), seconds };
}
