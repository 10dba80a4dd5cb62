import type { RestartPolicy } from "./record.ts";

const firstDelayMs = 100;
const longestDelayMs = 60_000;
const settledAfterMs = 10_000;

/** How a run of the container's process ended. */
export interface Ending {
  readonly exitCode: number;
  readonly ranForMs: number;
  readonly stoppedByRequest: boolean;
  /** Restarts since the last start by request. */
  readonly restartCount: number;
  /** The delay before the previous restart, or 0. */
  readonly lastDelayMs: number;
}

/**
 * After how many milliseconds the container is started again, or null if it stays down.
 * moby, restartmanager/restartmanager.go: 100 ms, doubled at each exit up to a minute, and back to 100 ms after a run of 10 s.
 */
export function restartDelay(policy: RestartPolicy | undefined, ending: Ending): number | null {
  if (!restarts(policy, ending)) return null;
  if (ending.lastDelayMs === 0 || ending.ranForMs >= settledAfterMs) return firstDelayMs;
  return Math.min(ending.lastDelayMs * 2, longestDelayMs);
}

function restarts(policy: RestartPolicy | undefined, ending: Ending): boolean {
  if (ending.stoppedByRequest) return false;
  switch (policy?.Name) {
    case "always":
    case "unless-stopped":
      return true;
    case "on-failure": {
      const limit = policy.MaximumRetryCount ?? 0;
      return ending.exitCode !== 0 && (limit === 0 || ending.restartCount < limit);
    }
    case "":
    case "no":
    case undefined:
      return false;
  }
}
