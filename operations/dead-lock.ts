import { hostname } from "node:os";
import { OperationError } from "./error.ts";
import { isProcessAlive } from "./process-alive.ts";
import type { PulumiRun } from "./pulumi.ts";

/**
 * The refusal of a run that found the stack's backend locked by one that was killed on this machine; null for any other ending. Nothing but
 * `pulumi cancel` takes such a lock away (pulumi 3.259, pkg/backend/diy/lock.go, whose message this reads).
 */
export function deadLock({ ok, output }: Pick<PulumiRun, "ok" | "output">, stack: string): OperationError | null {
  const [, host, pid, since] = /created by \S+@(\S+) \(pid (\d+)\) at (\S+)/.exec(output) ?? [];
  if (ok || host !== hostname() || pid === undefined || since === undefined || isProcessAlive(Number(pid))) return null;
  return new OperationError("refused", {
    where: `stack ${stack}`,
    what: `is locked by a run that was killed (process ${pid} on this machine, since ${since}).`,
    next: `Take the lock away (pulumi cancel --yes ${stack}), then run the same command again.`,
  });
}
