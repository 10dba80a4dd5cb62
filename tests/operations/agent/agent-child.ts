// Runs an agent whose clock only moves when its parent says so, and which kills itself with -9 where it is told.
import { runAgent } from "../../../operations/agent/agent.ts";
import type { Clock } from "../../../operations/agent/clock.ts";
import { readAgentSettings } from "../../../operations/agent/settings.ts";
import { realWork } from "../../../operations/agent/work.ts";

let now = new Date(process.env["TEST_NOW"] ?? "");
const killAt = process.env["TEST_KILL_AT"] ?? "";
const waiting = new Set<() => void>();
process.on("message", (message: { now: string }) => {
  now = new Date(message.now);
  for (const look of [...waiting]) look();
});

const clock: Clock = {
  now: () => now,
  wait: (ms, signal) =>
    new Promise((resolve) => {
      const from = now.getTime();
      const look = () => {
        if (!signal.aborted && now.getTime() - from < ms) return;
        waiting.delete(look);
        signal.removeEventListener("abort", look);
        resolve();
      };
      waiting.add(look);
      signal.addEventListener("abort", look);
      look();
    }),
};

const stop = new AbortController();
process.on("SIGTERM", () => stop.abort(new Error("SIGTERM")));
await runAgent(
  { env: process.env, signal: stop.signal },
  {
    work: realWork(readAgentSettings(process.env)),
    clock,
    write(line) {
      const { message } = JSON.parse(line) as { message: string };
      if (killAt !== "" && message.startsWith(killAt)) process.kill(process.pid, "SIGKILL");
      process.stdout.write(`${line}\n`);
    },
    listening: (port) => process.send?.({ port }),
  },
);
process.exit(0);
