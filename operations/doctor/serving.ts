import { z } from "zod";
import { ok, problem, unknown, type Check } from "../coolify/checks/check.ts";
import { proxyTimes } from "../drain/spec.ts";
import { parseJson } from "../json.ts";
import { ask, statusOf, type Asked } from "./ask.ts";
import type { Paths } from "./application.ts";

/** What an application owes while it serves (docs/what-an-application-owes.md). */
export async function checkServing(url: string, paths: Paths): Promise<Check[]> {
  const [live, ready, version] = [
    await ask(`${url}${paths.live}`),
    await ask(`${url}${paths.ready}`),
    await ask(`${url}${paths.version}`),
  ];
  return [
    checkLive(paths, live),
    checkReady(paths, ready),
    checkVersion(paths, version),
    ...(paths.metrics === undefined ? [] : [checkMetrics(paths.metrics, await ask(`${url}${paths.metrics}`))]),
    checkKeepAlive(live),
  ];
}

function checkLive({ live }: Paths, asked: Asked): Check {
  if (!("error" in asked) && asked.status === 200) return ok("liveness", `${live} 200`);
  return problem(
    "liveness",
    `${live} ${statusOf(asked)}`,
    "Answer 200 while the process runs, and look at nothing else.",
  );
}

function checkReady({ ready }: Paths, asked: Asked): Check {
  const limitMs = proxyTimes.checkTimeoutSeconds * 1000;
  const next = `Answer from memory within ${limitMs} ms: the proxy waits no longer.`;
  if ("error" in asked) return problem("readiness", `${ready} ${asked.error}`, next);
  const seen = `${ready} ${asked.status} in ${Math.round(asked.ms)} ms`;
  return asked.status === 200 && asked.ms < limitMs ? ok("readiness", seen) : problem("readiness", seen, next);
}

const Version = z.object({
  release: z.string().min(1),
  digest: z
    .string()
    .regex(/^sha256:[0-9a-f]{64}$/)
    .nullable(),
  gitSha: z.string().regex(/^[0-9a-f]{40}$/),
});

function checkVersion({ version }: Paths, asked: Asked): Check {
  const next =
    'Answer {"release", "digest", "gitSha"}: a release counts as done when the declared digest answers. The digest comes in AFFEXAI_IMAGE_DIGEST.';
  if ("error" in asked || asked.status !== 200) return problem("version", `${version} ${statusOf(asked)}`, next);
  const body = Version.safeParse(parseJson(asked.body));
  if (body.success) return ok("version", `release ${body.data.release}`);
  const wrong = body.error.issues.map(({ path }) => path.join(".") || "no JSON object").join(", ");
  return problem("version", `${version}: ${wrong}`, next);
}

/** What alerts and canaries look at, with the labels that they look for. */
const metrics = [
  { name: "http_requests_total", labels: ["method", "route", "status"] },
  { name: "http_request_duration_seconds_bucket", labels: ["method", "route", "status", "le"] },
];

function checkMetrics(path: string, asked: Asked): Check {
  const next = `Serve ${metrics.map(({ name, labels }) => `${name}{${labels.join(",")}}`).join(" and ")}, or say that there are none.`;
  if ("error" in asked || asked.status !== 200) return problem("metrics", `${path} ${statusOf(asked)}`, next);
  const missing = metrics.filter(
    ({ name, labels }) =>
      !asked.body
        .split("\n")
        .some((line) => line.startsWith(`${name}{`) && labels.every((label) => line.includes(`${label}="`))),
  );
  if (missing.length === 0) return ok("metrics", metrics.map(({ name }) => name).join(", "));
  return problem("metrics", `${path} lacks ${missing.map(({ name }) => name).join(", ")}`, next);
}

function checkKeepAlive(asked: Asked): Check {
  const what = "idle connections";
  const { idleConnectionSeconds } = proxyTimes;
  const next = `Keep idle connections for more than ${idleConnectionSeconds} s: the proxy keeps them so long, and a request that meets one closing is lost.`;
  if ("error" in asked) return problem(what, asked.error, next);
  if (asked.headers["connection"] === "close") return problem(what, "are closed after each answer", next);
  const [, seconds] = /timeout=(\d+)/.exec(asked.headers["keep-alive"] ?? "") ?? [];
  if (seconds === undefined) {
    const how = `Look at the server's setting: it must be above ${idleConnectionSeconds} s. Node's servers say it in Keep-Alive.`;
    return unknown(what, "no Keep-Alive header says how long they are kept", how);
  }
  const seen = `kept for ${seconds} s`;
  return Number(seconds) > idleConnectionSeconds ? ok(what, seen) : problem(what, seen, next);
}
