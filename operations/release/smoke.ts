import { z } from "zod";
import { OperationError } from "../error.ts";
import { objectStorage } from "../storage.ts";
import type { Context, Verb } from "../verb.ts";
import { waitFor } from "../wait.ts";
import { failAttemptOnError } from "./attempt.ts";
import { replicaHeader, replicaId } from "../coolify/labels.ts";
import { maintenanceHeader } from "../maintenance/server.ts";
import { SmokeTestResult, SmokeTestSpec, type CriticalPath, type RunningApplication } from "./spec.ts";
import { Ledger } from "./ledger.ts";
import { parseJson } from "../json.ts";

/** What an application's version path answers. More fields are allowed. */
export const VersionAnswer = z.object({ release: z.string(), digest: z.string(), gitSha: z.string() });

/** Proves that the declared release is what users reach: the version, several times in a row, then each critical path. */
export const runSmokeTest: Verb<typeof SmokeTestSpec, typeof SmokeTestResult> = {
  spec: SmokeTestSpec,
  result: SmokeTestResult,
  async run(spec, context) {
    const paths = pathsWithTheirApplications(spec);
    const ledger = new Ledger(objectStorage(context.env), spec.ledger);
    const attempt = await ledger.joinAttempt(spec.stamp, "smoke run");
    return failAttemptOnError(ledger, attempt, async () => {
      let answers = 0;
      for (const application of spec.applications) {
        await context.progress.step(`${application.name} answers as ${spec.stamp.id}`, (progress) =>
          expectVersion(application, spec, { ...context, progress }),
        );
        answers += spec.consecutive;
      }
      for (const { path, application } of paths) {
        await context.progress.step(path.name, () => expectCriticalPath(path, application, context.signal));
        answers += 1;
      }
      return { attempt, answers };
    });
  },
};

async function expectVersion(
  application: RunningApplication,
  spec: z.output<typeof SmokeTestSpec>,
  context: Pick<Context, "progress" | "signal">,
): Promise<void> {
  const digest = digestOf(application);
  let inARow = 0;
  await waitFor<true>(
    {
      what: `${application.name} at ${application.url}${application.versionPath} as ${spec.stamp.id}, ${digest}`,
      timeoutMs: spec.timeoutSeconds * 1000,
      intervalMs: 200,
      next: "Look at the application's log; `affexai rollback` goes back to the last known good release.",
      async look() {
        const url = `${application.url}${application.versionPath}`;
        const seen = await askVersion(url, context.signal, {}, throughMaintenance(application));
        if (typeof seen === "string") {
          inARow = 0;
          return { done: false, seen };
        }
        if (seen.release !== spec.stamp.id || seen.digest !== digest) {
          inARow = 0;
          return { done: false, seen: `release ${seen.release}, digest ${seen.digest}` };
        }
        inARow += 1;
        if (inARow >= spec.consecutive) return { done: true, value: true };
        return { done: false, seen: "the declared release, not yet often enough" };
      },
    },
    context,
  );
}

function digestOf({ image }: RunningApplication): string {
  return image.slice(image.indexOf("@") + 1);
}

/**
 * Asks the users' way. Where maintenance answers there, the application's first replica is asked by name, as the rollout's gate does:
 * users are let in only after this test.
 */
function throughMaintenance(application: RunningApplication): typeof fetch {
  return async (url, request) => {
    const response = await fetch(url, request);
    if (!response.headers.has(maintenanceHeader)) return response;
    await response.body?.cancel();
    const headers = new Headers(request?.headers);
    headers.set(replicaHeader, replicaId(1, digestOf(application)));
    return fetch(url, { ...request, headers });
  };
}

/** Asks a version path once. A string says why there was no usable answer. */
export async function askVersion(
  url: string,
  signal: AbortSignal,
  headers: Record<string, string> = {},
  request = fetch,
): Promise<z.output<typeof VersionAnswer> | string> {
  try {
    const response = await request(url, { headers, signal: AbortSignal.any([signal, AbortSignal.timeout(5000)]) });
    const body = await response.text();
    if (!response.ok) return `status ${response.status}`;
    const answer = VersionAnswer.safeParse(parseJson(body));
    return answer.success ? answer.data : "an answer without release, digest and gitSha";
  } catch (error) {
    signal.throwIfAborted();
    return reason(error);
  }
}

/** Each critical path with the application that it names; all that name none are refused at once, before anything is asked. */
function pathsWithTheirApplications({ criticalPaths, applications }: z.output<typeof SmokeTestSpec>) {
  const found = criticalPaths.map((path) => ({
    path,
    application: applications.find(({ name }) => name === path.application),
  }));
  const lost = found.filter(({ application }) => application === undefined);
  if (lost.length === 0) return found.flatMap(({ path, application }) => (application ? [{ path, application }] : []));
  throw new OperationError("usage", {
    where: "critical paths",
    what: `${lost.map(({ path }) => `"${path.name}" names the application ${path.application}`).join("; ")}.`,
    next: `Name one of: ${applications.map(({ name }) => name).join(", ")}.`,
  });
}

async function expectCriticalPath(
  path: CriticalPath,
  application: RunningApplication,
  signal: AbortSignal,
): Promise<void> {
  const url = `${application.url}${path.path}`;
  const fail = (what: string) =>
    new OperationError("failed", {
      where: `critical path "${path.name}" (${path.method} ${url})`,
      what,
      next: "Look at the application's log; `affexai rollback` goes back to the last known good release.",
    });
  let response: Response;
  let body: string;
  try {
    response = await throughMaintenance(application)(url, {
      method: path.method,
      redirect: "manual",
      signal: AbortSignal.any([signal, AbortSignal.timeout(10_000)]),
      ...(path.body === undefined
        ? {}
        : { body: JSON.stringify(path.body), headers: { "content-type": "application/json" } }),
    });
    body = await response.text();
  } catch (error) {
    signal.throwIfAborted();
    throw fail(`${reason(error)}.`);
  }
  if (response.status !== path.expectStatus) {
    throw fail(`answered ${response.status} instead of ${path.expectStatus}.`);
  }
  if (path.expectText !== undefined && !body.includes(path.expectText)) {
    throw fail(`answered without "${path.expectText}".`);
  }
}

/** fetch hides what went wrong in `cause`. */
function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === "TimeoutError") return "no answer in time";
  const { cause } = error;
  if (cause instanceof Error) {
    const { code } = cause as NodeJS.ErrnoException;
    return cause.message || (code ?? error.message);
  }
  return error.message;
}
