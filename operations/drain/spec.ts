import { z } from "zod";

/** What happens to an application after SIGTERM (decision 7). */
export const Drain = z.strictObject({
  /** Still ready: until every proxy knows the container that takes over. */
  readySeconds: z.int().min(0),
  /** Then unready, but serving: until nobody sends requests any more. */
  drainSeconds: z.int().min(0),
  /** The longest that one of its requests may take by right; `defaultLongestRequestSeconds` when nothing is said. */
  longestRequestSeconds: z.int().min(1).optional(),
});
export type Drain = z.infer<typeof Drain>;

/** Users count an answer that takes longer as failed. */
const defaultLongestRequestSeconds = 5;

/** All that decides whether the end of a replica is noticed by its users. */
export interface ReplicaEnd {
  readonly drain: Drain;
  /** From SIGTERM to SIGKILL. */
  readonly stopGracePeriodSeconds: number;
  readonly replicas: number;
  /** Whether the proxy sends requests: not to a worker. */
  readonly routed: boolean;
}

/** The proxy's half of the drain, as our labels and Coolify's own start of Traefik set it. */
export const proxyTimes = {
  /** Between two changes of its routes at most: providers.providersThrottleDuration (Traefik 3.5 documentation, "Providers"). */
  throttleSeconds: 2,
  /** Our labels' active check. */
  checkIntervalSeconds: 1,
  checkTimeoutSeconds: 0.5,
  /** For which it keeps idle connections to a server: forwardingTimeouts.idleConnTimeout (Traefik 3.5 documentation, "ServersTransport"). */
  idleConnectionSeconds: 90,
} as const;

/** From Docker's word that a container is healthy, through its event, to the start of the throttle; and from the end of a drain to the exit. */
const marginSeconds = 1;

/** The proxy learns of a new replica this long after Docker does, at worst. Coolify stops the old one at once. */
const leastReadySeconds = proxyTimes.throttleSeconds + marginSeconds;

/**
 * How long the proxy may go on sending requests to a replica that turned unready: it asks one server after another (traefik 3.5.0,
 * pkg/healthcheck). Twice as many servers as replicas are counted, which is more than there are: a busy machine asks late.
 */
function leastDrainSeconds(replicas: number): number {
  return proxyTimes.checkIntervalSeconds + proxyTimes.checkTimeoutSeconds * 2 * replicas;
}

/** What running requests have left between the drain and SIGKILL, less a second to exit by itself. */
function limitSeconds({ drain, stopGracePeriodSeconds }: ReplicaEnd): number {
  return stopGracePeriodSeconds - drain.readySeconds - drain.drainSeconds - marginSeconds;
}

/** What the platform tells the application, so that both halves come from one computation. Never less than a second for what still runs. */
export function drainVariables(end: ReplicaEnd) {
  return {
    DRAIN_READY_SECONDS: `${end.drain.readySeconds}`,
    DRAIN_SECONDS: `${end.drain.drainSeconds}`,
    DRAIN_LIMIT_SECONDS: `${Math.max(1, limitSeconds(end))}`,
  };
}

/** Every way in which the end of a replica would lose requests: what is wrong, by which sum, and what to set instead. */
export function drainProblems(end: ReplicaEnd): string[] {
  const { drain, stopGracePeriodSeconds, replicas, routed } = end;
  const { readySeconds, drainSeconds, longestRequestSeconds = defaultLongestRequestSeconds } = drain;
  const { throttleSeconds, checkIntervalSeconds, checkTimeoutSeconds } = proxyTimes;
  const problems: string[] = [];
  if (routed && readySeconds < leastReadySeconds) {
    problems.push(
      `drain.readySeconds is ${readySeconds}, and the proxy may hear of the new container only after ${throttleSeconds} s (its throttle) + ${marginSeconds} s (Docker's event) = ${leastReadySeconds} s. Set it to ${leastReadySeconds} or more.`,
    );
  }
  const least = leastDrainSeconds(replicas);
  if (routed && drainSeconds < least) {
    problems.push(
      `drain.drainSeconds is ${drainSeconds}, and the proxy may send requests for ${checkIntervalSeconds} s (its check's interval) + ${2 * replicas} x ${checkTimeoutSeconds} s (its timeout, for each container) = ${least} s after readiness ends. Set it to ${Math.ceil(least)} or more.`,
    );
  }
  // A request that came with the last of those that the proxy sent may run from then until the process has to exit.
  const lastArrival = routed ? readySeconds + Math.min(least, drainSeconds) : 0;
  const needed = Math.max(lastArrival + longestRequestSeconds, readySeconds + drainSeconds + 1) + marginSeconds;
  if (stopGracePeriodSeconds < needed) {
    const sum =
      lastArrival + longestRequestSeconds > readySeconds + drainSeconds + 1
        ? `${lastArrival} s (the last request comes) + ${longestRequestSeconds} s (the longest that it may take) + ${marginSeconds} s (to exit)`
        : `${readySeconds} s (ready) + ${drainSeconds} s (drain) + 1 s (what still runs) + ${marginSeconds} s (to exit)`;
    problems.push(
      `stopGracePeriodSeconds is ${stopGracePeriodSeconds}, and Docker kills after it what needs ${sum} = ${needed} s. Set it to ${Math.ceil(needed)} or more.`,
    );
  }
  return problems;
}
