import { z } from "zod";
import { CoolifyClient } from "../../../operations/coolify/client.ts";
import { openSharedLog } from "../../../operations/coolify/shared-log.ts";
import { Throttle } from "../../../operations/coolify/throttle.ts";
import { silent } from "../../../operations/progress.ts";

// Asks Coolify `requests` times within the budget of a window of `windowMs`, and writes a line for each answer.

const [requests = "1", windowMs = "61000"] = process.argv.slice(2);
const { env } = process;
const { log } = await openSharedLog(env.XDG_RUNTIME_DIR, env.COOLIFY_URL ?? "");
const signal = new AbortController().signal;
const client = new CoolifyClient(
  { env, progress: silent, signal },
  { throttle: new Throttle(log, { window: Number(windowMs) }) },
);
for (let sent = 0; sent < Number(requests); sent += 1) {
  await client.get("/projects", z.array(z.unknown()));
  process.stdout.write(`${Date.now()}\n`);
}
