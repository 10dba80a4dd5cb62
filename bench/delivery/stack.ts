import { execa } from "execa";
import { RollbackResult } from "../../operations/release/rollback.ts";
import { programFolder } from "../../operations/stack.ts";
import { askVersion } from "../../operations/release/smoke.ts";
import { pulumiOn, upArguments, type Stage } from "../../sandbox/demo/stage.ts";
import { silent } from "../../operations/progress.ts";
import { published } from "./platform.ts";
import type { Row } from "./row.ts";
import { underTraffic } from "./traffic.ts";

/** The second release through the front door, `pulumi up` of the whole stack, under traffic at the backend. */
export async function releaseStack(stage: Stage): Promise<Row> {
  const { file, record } = published(stage, 1);
  const { result, seconds, seen } = await underTraffic(stage.urls.backend, stage.signal, async () => {
    const up = await pulumiOn(stage, upArguments, file, silent);
    const problem = await answersAs(stage, record);
    return {
      outcome: up.ok ? "done" : `exit code ${up.exitCode}`,
      problems: [...(up.ok ? [] : [up.output.slice(-3000)]), ...problem],
    };
  });
  return { scenario: "release", side: "ours", seconds, ...result, seen };
}

/** `affexai rollback` to the first release, under traffic at the backend; with the seconds until the digests were verified. */
export async function rollBackStack(stage: Stage): Promise<{ row: Row; secondsToVerifiedDigest: number | null }> {
  const { record } = published(stage, 0);
  const { result, seconds, seen } = await underTraffic(stage.urls.backend, stage.signal, async () => {
    const { stdout, stderr, exitCode } = await execa(
      process.execPath,
      ["operations/cli.ts", "rollback", "--stack", stage.stack, "--to", record.id, "--json"],
      { cwd: programFolder, env: { ...stage.env }, cancelSignal: stage.signal, reject: false },
    );
    if (exitCode !== 0) {
      const problems = [`exit code ${exitCode ?? "none"}\n${stderr.slice(-3000)}`];
      return { outcome: "failed", problems, secondsToVerifiedDigest: null };
    }
    const { outcome, secondsToVerifiedDigest } = RollbackResult.parse(JSON.parse(stdout));
    return { outcome, problems: await answersAs(stage, record), secondsToVerifiedDigest };
  });
  const { secondsToVerifiedDigest, ...ended } = result;
  return { row: { scenario: "rollback", side: "ours", seconds, ...ended, seen }, secondsToVerifiedDigest };
}

async function answersAs(
  stage: Stage,
  record: { id: string; images: { backend: string; frontend: string } },
): Promise<string[]> {
  const problems: string[] = [];
  for (const name of ["backend", "frontend"] as const) {
    const answer = await askVersion(`${stage.urls[name]}/version`, stage.signal);
    const seen = typeof answer === "string" ? answer : `${answer.release} ${answer.digest}`;
    const wanted = `${record.id} ${record.images[name].replace(/^.*@/, "")}`;
    if (seen !== wanted) problems.push(`the ${name} answers as ${seen} instead of ${wanted}`);
  }
  return problems;
}
