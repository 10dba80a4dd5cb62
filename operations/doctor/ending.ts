import { setTimeout as pause } from "node:timers/promises";
import { ok, problem, unknown, type Check } from "../coolify/checks/check.ts";
import { ask, type Asked } from "./ask.ts";
import type { Paths } from "./application.ts";
import type { ExaminedProcess } from "./examined-process.ts";

/** The proxy may hear of the new container this long after it is healthy; the old one is stopped at once (operations/drain/spec.ts). */
const leastReadySeconds = 3;
const everyMs = 50;
/** From the last answer to the exit: the next look comes so much later at most. */
const toleranceMs = 400;

interface Sample {
  /** Since SIGTERM. */
  readonly atMs: number;
  readonly ready: Asked;
  readonly version: Asked;
  readonly started: Asked | undefined;
}

/** Everything that was seen between SIGTERM and the exit. */
interface Ending {
  readonly samples: readonly Sample[];
  readonly slow: Asked | undefined;
  /** Null when it had to be killed. */
  readonly endedAtMs: number | null;
  /** Null when it cannot be known: only a process's own parent learns it. */
  readonly exit: number | string | null;
  readonly graceSeconds: number;
}

/** Sends SIGTERM as Docker does, asks all the while, and judges the end. Kills what is still there after the grace period. */
export async function checkEnding(
  url: string,
  paths: Paths,
  { process, graceSeconds }: { process: ExaminedProcess; graceSeconds: number },
): Promise<Check[]> {
  const slow = paths.slow === undefined ? undefined : ask(`${url}${paths.slow}`, graceSeconds * 1000);
  // Under way before the signal comes.
  if (slow !== undefined) await pause(200);
  const started = performance.now();
  const atMs = (): number => performance.now() - started;
  process.terminate();
  const samples: Sample[] = [];
  let endedAtMs: number | null = null;
  const ended = process.ended.then((exit) => {
    endedAtMs = atMs();
    return exit;
  });
  while (endedAtMs === null && atMs() < graceSeconds * 1000) {
    const at = atMs();
    const [ready, version, started] = await Promise.all([
      ask(`${url}${paths.ready}`, 1_000),
      ask(`${url}${paths.version}`, 1_000),
      paths.started === undefined ? undefined : ask(`${url}${paths.started}`, 1_000),
    ]);
    samples.push({ atMs: at, ready, version, started });
    await Promise.race([pause(everyMs), ended]);
  }
  const byItselfAtMs = endedAtMs;
  if (byItselfAtMs === null) await process.kill();
  const exit = byItselfAtMs === null ? null : await ended;
  return judge(paths, { samples, slow: await slow, endedAtMs: byItselfAtMs, exit, graceSeconds });
}

function judge(paths: Paths, ending: Ending): Check[] {
  const { samples, slow, endedAtMs } = ending;
  const firstUnready = samples.find(({ ready }) => !("error" in ready) && ready.status !== 200);
  const unready = samples.filter(({ atMs }) => firstUnready !== undefined && atMs >= firstUnready.atMs);
  const refused = samples.find(({ ready, version }) => "error" in ready || "error" in version);
  return [
    checkStaysReady(samples, firstUnready, endedAtMs),
    checkUnready(unready),
    checkClosing(unready),
    checkListening(refused, ending),
    ...(slow === undefined ? [] : [checkSlow(paths.slow ?? "", slow)]),
    ...(paths.started === undefined ? [] : [checkLatch(paths.started, unready)]),
    checkExit(ending),
  ];
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

function checkStaysReady(
  samples: readonly Sample[],
  firstUnready: Sample | undefined,
  endedAtMs: number | null,
): Check {
  const what = "ready after SIGTERM";
  const lastReady = samples.findLast(({ ready }) => !("error" in ready) && ready.status === 200);
  const until = firstUnready?.atMs ?? endedAtMs ?? lastReady?.atMs ?? 0;
  const seen = `for ${seconds(until)}`;
  if (until >= leastReadySeconds * 1000 - everyMs) return ok(what, seen);
  return problem(
    what,
    seen,
    `Stay ready for ${leastReadySeconds} s (DRAIN_READY_SECONDS): so long the proxy may not know the container that takes over.`,
  );
}

function checkUnready(unready: readonly Sample[]): Check {
  const what = "unready, and serving";
  const next = "Then answer readiness with 503, and everything else as before, for some seconds (DRAIN_SECONDS).";
  if (unready.length === 0) return problem(what, "never: readiness did not change before the end", next);
  const again = unready.find(({ ready }) => !("error" in ready) && ready.status !== 503);
  if (again !== undefined)
    return problem(what, `readiness answered ${"error" in again.ready ? "" : again.ready.status}`, next);
  const served = unready.filter(({ version }) => !("error" in version));
  const failed = served.find(({ version }) => !("error" in version) && version.status !== 200);
  if (failed !== undefined)
    return problem(what, `requests are answered ${"error" in failed.version ? "" : failed.version.status}`, next);
  return ok(what, `for ${seconds((served.at(-1)?.atMs ?? 0) - (unready[0]?.atMs ?? 0))}`);
}

function checkClosing(unready: readonly Sample[]): Check {
  const what = "kept connections move";
  const next = "While unready, answer with Connection: close: a kept connection has to go to another replica.";
  // The answer that was on its way when readiness changed may still be without it.
  const answers = unready.slice(1).flatMap(({ version }) => ("error" in version ? [] : [version]));
  if (answers.length === 0) return unknown(what, "nothing was answered while unready", next);
  const kept = answers.filter(({ headers }) => headers["connection"] !== "close").length;
  if (kept === 0) return ok(what, `${answers.length} answers with Connection: close`);
  return problem(what, `${kept} of ${answers.length} answers without Connection: close`, next);
}

function checkListening(refused: Sample | undefined, { endedAtMs, graceSeconds }: Ending): Check {
  const what = "listening until the exit";
  if (refused === undefined) return ok(what, "every connection was answered");
  const alive = (endedAtMs ?? graceSeconds * 1000) - refused.atMs;
  if (alive <= toleranceMs) return ok(what, "every connection was answered");
  const why = "error" in refused.ready ? refused.ready.error : "error" in refused.version ? refused.version.error : "";
  return problem(
    what,
    `${why} ${seconds(refused.atMs)} after SIGTERM, ${seconds(alive)} before the end`,
    "Keep the listener open until the process exits: somebody always has not heard of it yet.",
  );
}

function checkSlow(path: string, slow: Asked): Check {
  const what = "running requests";
  if (!("error" in slow) && slow.status === 200) return ok(what, `${path} 200 after ${seconds(slow.ms)}`);
  const seen = `${path} ${"error" in slow ? slow.error : slow.status}`;
  return problem(what, seen, "Finish what was begun before the exit, within the grace period.");
}

function checkLatch(path: string, unready: readonly Sample[]): Check {
  const what = "Docker's health";
  const answers = unready.flatMap(({ started }) =>
    started === undefined || "error" in started ? [] : [started.status],
  );
  const next = `Once ready, answer ${path} with 200 for good: when Docker calls every container unhealthy there is no route left, and users get 404.`;
  if (answers.length === 0) return unknown(what, `${path} was not answered while unready`, next);
  const wrong = answers.find((status) => status !== 200);
  return wrong === undefined
    ? ok(what, `${path} 200 while unready`)
    : problem(what, `${path} ${wrong} while unready`, next);
}

function checkExit({ endedAtMs, exit, graceSeconds }: Ending): Check {
  const what = "exit";
  const next = "Exit with 0 by yourself within the grace period: Docker kills what is still there.";
  if (endedAtMs === null) return problem(what, `still runs after ${graceSeconds} s, and was killed`, next);
  if (exit === null)
    return unknown(
      what,
      `after ${seconds(endedAtMs)}`,
      "Give --image in place of --pid: only its parent learns a process's exit code.",
    );
  const seen = `${exit} after ${seconds(endedAtMs)}`;
  return exit === 0 ? ok(what, seen) : problem(what, seen, next);
}
