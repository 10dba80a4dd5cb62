import { z } from "zod";
import type { Context } from "../verb.ts";
import { waitFor } from "../wait.ts";
import { Application } from "./answers.ts";
import { CoolifyClient } from "./client.ts";
import { deploy, insistOnSuccess, waitForQuietQueue } from "./deployment.ts";
import { maintenanceHeader } from "../maintenance/server.ts";
import type { MaintenanceTarget } from "./spec.ts";

/** Longest time in ms for Coolify to start or stop the application, and for the proxy to hear of it. */
const limitMs = 120_000;
/** Answers of one kind in a row that count: the proxy reloads a few times around a change. */
const inARow = 3;

/**
 * Turns maintenance on or off: starts or stops the maintenance application in Coolify, and returns when the site answers 503 with
 * Retry-After, or does not any more. Done already is done at once; killed half-way, the same call goes on from there.
 * Throws (failed) after two minutes with what was seen last.
 */
export async function setMaintenance(
  { uuid, url }: MaintenanceTarget,
  state: "on" | "off",
  context: Context,
): Promise<void> {
  const coolify = new CoolifyClient(context);
  await context.progress.step(`maintenance ${state}`, async (progress) => {
    const watch = { ...context, progress };
    await waitForQuietQueue(coolify, uuid, limitMs, watch);
    const running = await isRunning(coolify, uuid);
    if (state === "on") {
      if (!running || (await askSite(url, context.signal)) !== "on")
        insistOnSuccess(await deploy(coolify, uuid, limitMs, watch));
      await expectSite(url, "on", watch);
    } else {
      if (running) {
        await coolify.send({ method: "POST", path: `/applications/${uuid}/stop?docker_cleanup=false` }, z.unknown());
      }
      await expectSite(url, "off", watch);
      // Its container is given time to be forgotten by the proxy; until it is gone, a new `on` would take it for a started one.
      await expectStopped(coolify, uuid, watch);
    }
  });
}

/** `on`, `ending` (stopped already, and waiting for the proxy to hear of it), `off`, or why nobody answered. */
async function askSite(url: string, signal: AbortSignal): Promise<string> {
  try {
    const response = await fetch(url, {
      redirect: "manual",
      signal: AbortSignal.any([signal, AbortSignal.timeout(5000)]),
    });
    await response.body?.cancel();
    // A proxy without a server for the route says 503 too, but never when to come back.
    if (response.status !== 503 || !response.headers.has("retry-after")) return "off";
    return response.headers.get(maintenanceHeader) === "ending" ? "ending" : "on";
  } catch (error) {
    signal.throwIfAborted();
    const cause = error instanceof Error ? error.cause : undefined;
    return cause instanceof Error ? cause.message : String(error);
  }
}

async function isRunning(coolify: CoolifyClient, uuid: string): Promise<boolean> {
  const { status } = await coolify.get(`/applications/${uuid}`, Application);
  return status !== null && status !== undefined && !status.startsWith("exited");
}

async function expectSite(url: string, state: "on" | "off", watch: Context): Promise<void> {
  let count = 0;
  await waitFor<true>(
    {
      what: `${url} ${state === "on" ? "under maintenance" : "out of maintenance"}`,
      timeoutMs: limitMs,
      intervalMs: 250,
      next: "Look at the application `maintenance-page` in Coolify and at the proxy; running again goes on from here.",
      async look() {
        const seen = await askSite(url, watch.signal);
        count = seen === state ? count + 1 : 0;
        if (count >= inARow) return { done: true, value: true };
        return { done: false, seen: `maintenance ${seen}` };
      },
    },
    watch,
  );
}

async function expectStopped(coolify: CoolifyClient, uuid: string, watch: Context): Promise<void> {
  await waitFor<true>(
    {
      what: "the end of the maintenance application",
      timeoutMs: limitMs,
      intervalMs: 1500,
      next: "Look at the application `maintenance-page` in Coolify; running again goes on from here.",
      async look() {
        const { status } = await coolify.get(`/applications/${uuid}`, Application);
        return /^exited/.test(status ?? "")
          ? { done: true, value: true }
          : { done: false, seen: `status ${status ?? "unknown"}` };
      },
    },
    watch,
  );
}
