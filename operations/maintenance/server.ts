import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { checkedVariables } from "../checked-variables.ts";
import { serveHttp, type HttpAnswer } from "../http-server.ts";
import type { Context } from "../verb.ts";

/** In every answer: `on`, or `ending` once the application was asked to stop. */
export const maintenanceHeader = "x-affexai-maintenance";

/** What the maintenance application is told, by environment variables. */
const Variables = z.object({
  PORT: z.coerce.number<string>().int().min(0).max(65_535).default(8080),
  /** What `Retry-After` tells the users' programs. */
  RETRY_AFTER_SECONDS: z.coerce.number<string>().int().min(1).default(60),
  /** After SIGTERM: still healthy. */
  DRAIN_READY_SECONDS: z.coerce.number<string>().min(0).default(0),
  /** Then: unhealthy, but serving. */
  DRAIN_SECONDS: z.coerce.number<string>().min(0).default(0),
});

const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Back in a moment</title>
<body style="font: 1.1rem/1.6 system-ui, sans-serif; max-width: 34rem; margin: 20vh auto; padding: 0 1.5rem">
<h1>Back in a moment</h1>
<p>We are changing something that cannot be changed while it is used. Nothing of yours is lost. Please try again in a few minutes.</p>
</body>
</html>
`;

/**
 * Answers 503 with Retry-After to everything but /health, until it is asked to end. Then it turns unhealthy and serves on: Docker
 * calls the container unhealthy, the proxy drops its routes (Traefik leaves unhealthy containers out), and the applications' own
 * ones, which were there all the time, take over without a request lost. `listening` is told the port.
 */
export async function serveMaintenance(
  { env, signal }: Pick<Context, "env" | "signal">,
  listening: (port: number) => void = () => undefined,
): Promise<void> {
  const settings = checkedVariables(Variables, env, "affexai maintenance serve");
  let healthy = true;
  const answer = (path: string): HttpAnswer => {
    if (path === "/health")
      return { status: healthy ? 200 : 503, type: "text/plain", body: healthy ? "ok\n" : "ending\n" };
    return {
      status: 503,
      type: "text/html; charset=utf-8",
      body: page,
      headers: {
        "retry-after": `${settings.RETRY_AFTER_SECONDS}`,
        "cache-control": "no-store",
        [maintenanceHeader]: signal.aborted ? "ending" : "on",
        ...(signal.aborted ? { connection: "close" } : {}),
      },
    };
  };
  const server = await serveHttp(settings.PORT, async (path) => answer(path));
  listening(server.port);
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  await delay(settings.DRAIN_READY_SECONDS * 1000);
  healthy = false;
  await delay(settings.DRAIN_SECONDS * 1000);
  await server.close();
}
