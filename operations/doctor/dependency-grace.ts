import { setTimeout as pause } from "node:timers/promises";
import { ok, problem, type Check } from "../coolify/checks/check.ts";
import { ask, statusOf } from "./ask.ts";

/** Less than the 5 s after which a dependency counts as down. */
const awaySeconds = 3;
const everyMs = 100;

/** Stops a dependency's process for a moment and lets it go on: readiness must not notice. */
export async function checkDependencyGrace(readyUrl: string, dependency: number): Promise<Check> {
  const what = "dependency grace";
  const started = performance.now();
  process.kill(dependency, "SIGSTOP");
  try {
    while (performance.now() - started < awaySeconds * 1000) {
      const asked = await ask(readyUrl, 1_000);
      if ("error" in asked || asked.status !== 200) {
        const after = ((performance.now() - started) / 1000).toFixed(1);
        return problem(
          what,
          `readiness ${statusOf(asked)} when the dependency was away for ${after} s`,
          "Count a dependency as down only when its last good answer is older than 5 s: a pause of it must not take every replica out together.",
        );
      }
      await pause(everyMs);
    }
    return ok(what, `ready while the dependency was away for ${awaySeconds} s`);
  } finally {
    process.kill(dependency, "SIGCONT");
  }
}
