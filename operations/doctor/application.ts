import { unknown, type Check } from "../coolify/checks/check.ts";
import { OperationError } from "../error.ts";
import type { Context } from "../verb.ts";
import { waitFor } from "../wait.ts";
import { ask, statusOf } from "./ask.ts";
import { checkDependencyGrace } from "./dependency-grace.ts";
import { checkEnding } from "./ending.ts";
import type { ExaminedProcess } from "./examined-process.ts";
import { checkServing } from "./serving.ts";

/** Where an application answers what. */
export interface Paths {
  readonly live: string;
  readonly ready: string;
  readonly version: string;
  /** Absent when it has none, as a frontend. */
  readonly metrics?: string;
  /** What Docker's health check asks; absent when that is readiness itself. */
  readonly started?: string;
  /** Takes some seconds to answer; absent when nothing does. */
  readonly slow?: string;
}

export interface Examination {
  /** Without a trailing slash. */
  readonly url: string;
  readonly paths: Paths;
  /** Absent: the end is not looked at. */
  readonly process?: ExaminedProcess;
  /** Process id of something that readiness depends on; it is stopped for a moment. */
  readonly dependency?: number;
  readonly graceSeconds: number;
  readonly startSeconds: number;
}

/** Looks whether an application does what docs/what-an-application-owes.md asks of it. With a process, ends it. */
export async function examineApplication(examination: Examination, context: Context): Promise<readonly Check[]> {
  const { url, paths, process, dependency, graceSeconds } = examination;
  const { progress } = context;
  await progress.step(`${url}${paths.ready} answers`, (step) =>
    untilReady(examination, { ...context, progress: step }),
  );
  const checks = await progress.step("while it serves", () => checkServing(url, paths));
  if (dependency !== undefined) {
    checks.push(
      await progress.step("without a dependency", () => checkDependencyGrace(`${url}${paths.ready}`, dependency)),
    );
  }
  if (process === undefined) {
    return [...checks, unknown("the end", "not looked at", "Give --pid or --image: the process is then sent SIGTERM.")];
  }
  const ending = await progress.step("after SIGTERM", () => checkEnding(url, paths, { process, graceSeconds }));
  return [...checks, ...ending];
}

/** An application that never gets ready is a finding like any other, but there is nothing else to look at then. */
async function untilReady({ url, paths, startSeconds, process }: Examination, context: Context): Promise<void> {
  let ended: number | string | null | undefined;
  void process?.ended.then((exit) => (ended = exit));
  await waitFor<true>(
    {
      what: `${url}${paths.ready} to answer 200`,
      timeoutMs: startSeconds * 1000,
      intervalMs: 200,
      next: "Look at the application's log; what an application owes is in docs/what-an-application-owes.md.",
      async look() {
        if (ended !== undefined) {
          throw new OperationError("refused", {
            where: url,
            what: `the process ended (${ended ?? "unknown exit code"}) before it was ready.`,
            next: "Read what it wrote; give it all of its variables by --variables.",
          });
        }
        const asked = await ask(`${url}${paths.ready}`, 1_000);
        return !("error" in asked) && asked.status === 200
          ? { done: true, value: true }
          : { done: false, seen: statusOf(asked) };
      },
    },
    context,
  );
}
