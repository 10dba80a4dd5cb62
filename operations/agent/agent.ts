import { serveHttp, type HttpAnswer } from "../http-server.ts";
import { OperationError } from "../error.ts";
import type { Context } from "../verb.ts";
import type { Clock } from "./clock.ts";
import { lanesOf, nextRuns, type Knowledge, type Lane, type Work } from "./jobs.ts";
import { jsonLog } from "./log.ts";
import { AgentMetrics } from "./metrics.ts";
import { pager } from "./pager.ts";
import { readAgentSettings } from "./settings.ts";
import { whileItIsOurTurn } from "./turn.ts";
import { lookEveryMs, workLane, type Workshop } from "./worker.ts";

export interface Agent {
  readonly work: Work;
  readonly clock: Clock;
  /** Where its log goes, a JSON object a line. */
  readonly write: (line: string) => void;
  /** Told the port once it listens. */
  readonly listening?: (port: number) => void;
}

/**
 * Keeps an environment's backups: takes them on schedule, proves them, prunes them, and ends what a dead run left behind, until
 * `signal` is aborted; what runs then is cancelled, and nothing half-done counts. Of several agents on one database one works and the
 * others stand by. Serves /metrics, /health, /health/ready and /version. Throws (usage) when its variables are wrong; nothing else
 * ends it: what fails is logged, counted, paged and tried again.
 */
export async function runAgent({ env, signal }: Pick<Context, "env" | "signal">, agent: Agent): Promise<void> {
  const settings = readAgentSettings(env);
  const { clock, work } = agent;
  const log = jsonLog(env, agent.write);
  const knowledge: Knowledge = { bucket: null, database: null, succeeded: new Map() };
  let ourTurn = false;
  let problem: string | null = "starting";

  const metrics: AgentMetrics = new AgentMetrics({
    now: () => clock.now(),
    bucket: () => knowledge.bucket?.content ?? null,
    database: () => knowledge.database?.state ?? null,
    ourTurn: () => ourTurn,
    nextRuns: () => nextRuns(lanes, clock.now(), settings.timeZone),
  });
  const page = pager(settings, log, (told) => metrics.paged(told));
  const lanes = lanesOf(settings, knowledge, work, page);
  metrics.announce(lanes.flat().map(({ name }) => name));
  const server = await serveHttp(settings.port, async (path) => answer(path, env, metrics, problem));
  agent.listening?.(server.port);
  log.info("listening", { port: server.port, environment: settings.environment, cadence: settings.cadence });

  try {
    while (!signal.aborted) {
      try {
        const [inspect] = lanes.flat();
        // Standing by, too: whoever takes over must be known to be able to.
        if (inspect?.isDue(clock.now(), undefined) === true) {
          await inspect.run({ env, signal, progress: log.progress("inspect") }, clock.now());
        }
        await whileItIsOurTurn({ env, signal }, async (turn) => {
          log.info("it is this agent's turn");
          [ourTurn, problem] = [true, null];
          const workshop = { clock, log, metrics, page, knowledge, held: () => turn.held() };
          await workAll(lanes, { env, signal: turn.signal, progress: log.progress("agent") }, workshop);
        });
        problem = null;
      } catch (error) {
        if (signal.aborted) break;
        const what = error instanceof Error ? error.message : String(error);
        if (problem !== what) log.error(what, error instanceof OperationError ? {} : { stack: (error as Error).stack });
        problem = what;
      }
      ourTurn = false;
      await clock.wait(lookEveryMs, signal);
    }
  } finally {
    await server.close();
    log.info("ended");
  }
}

/** Works all lanes until one breaks off, and returns or throws when all have ended: the turn is not given away before. */
async function workAll(lanes: readonly Lane[], context: Context, workshop: Workshop): Promise<void> {
  const broken = new AbortController();
  const signal = AbortSignal.any([context.signal, broken.signal]);
  const ends = await Promise.allSettled(
    lanes.map((lane) =>
      workLane(lane, { ...context, signal }, workshop).catch((error: unknown) => {
        broken.abort(error);
        throw error;
      }),
    ),
  );
  for (const end of ends) if (end.status === "rejected") throw end.reason;
}

async function answer(
  path: string,
  env: Context["env"],
  metrics: AgentMetrics,
  problem: string | null,
): Promise<HttpAnswer> {
  const json = (status: number, body: object): HttpAnswer => ({
    status,
    type: "application/json",
    body: `${JSON.stringify(body)}\n`,
  });
  if (path === "/health") return json(200, { status: "ok" });
  // Without the reason: it names hosts, and the log has it.
  if (path === "/health/ready") return json(problem === null ? 200 : 503, { ready: problem === null });
  if (path === "/version") {
    const { AFFEXAI_GIT_SHA: gitSha = "unknown", AFFEXAI_IMAGE_DIGEST: digest = null } = env;
    return json(200, { release: "tools", digest, gitSha });
  }
  if (path === "/metrics") return { status: 200, type: metrics.contentType, body: await metrics.text() };
  return json(404, { message: "There are /metrics, /health, /health/ready and /version." });
}
