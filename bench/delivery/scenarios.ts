import { setTimeout as delay } from "node:timers/promises";
import { inTheMiddle } from "./observe.ts";
import { applyOurs, holdOurs, judged, other, ours, serves, steps, undoOurs } from "./ours.ts";
import { bare, bareRelease } from "./bare.ts";
import { crashesAfterSeconds, type Field, type Scenario } from "./scenario.ts";

/** A second name of the backend, which the changed labels add. */
const secondHost = "api2.affexai.localhost";
/** How long the crashing release is looked at after its rollout: each replica has crashed and is back by then. */
const crashWatchMs = (crashesAfterSeconds + 10) * 1000;
const proxyWatchMs = 8000;
/** As in production (stacks/environments.ts), but shorter. */
const canary = { holdSeconds: 15, metricsPath: "/metrics", maxErrorRatio: 0.01, maxLatencyRatio: 3, minRequests: 50 };

/** What moves the backend alone, in the order in which it is played. Release and rollback move the whole stack. */
export const scenarios: readonly Scenario[] = [
  {
    name: "labels",
    title: "release that changes labels",
    promised: true,
    ours: ({ platform }) => {
      const { hosts, health } = platform.spec();
      // Another health path for the proxy, and another rule: every definition changes its name.
      const change = { hosts: [...hosts, secondHost], health: { ...health, path: `${health.path}/` } };
      return applyOurs(platform, "labels", platform.moved(other(platform), change));
    },
    bare: (field, application) =>
      bareRelease(field, application, "labels", field.platform.versions[0], {
        domains: `${origin(application.url)},http://${secondHost.replace("api2", "bare2")}`,
      }),
  },
  {
    name: "never-ready",
    title: "release that never gets ready",
    promised: true,
    ours: (field) =>
      holdOurs(field, "never-ready", { version: field.bad.neverReady, because: /New container is not healthy/ }),
    bare: (field, application) => bareRelease(field, application, "never-ready", field.bad.neverReady),
  },
  {
    name: "wrong-digest",
    title: "release that answers with another digest",
    promised: true,
    ours: (field) =>
      holdOurs(field, "wrong-digest", {
        version: field.bad.lying,
        because: /not seen within \d+ s; last seen: release /,
      }),
    bare: (field, application) => bareRelease(field, application, "wrong-digest", field.bad.lying),
  },
  {
    name: "missing-image",
    title: "release whose image is missing",
    promised: true,
    ours: (field) =>
      holdOurs(field, "missing-image", { version: field.bad.missing, because: /Failed to start container/ }),
    bare: (field, application) =>
      bare(field, application, "missing-image", async () => {
        const { status } = await application.release(field.bad.missing.image);
        return { outcome: `deployment ${status}`, problems: [] };
      }),
  },
  {
    name: "canary",
    title: `release whose first replica is held for ${canary.holdSeconds} s`,
    promised: true,
    ours: ({ platform }) => applyOurs(platform, "canary", platform.moved(other(platform), { canary })),
  },
  {
    name: "failing-canary",
    title: "release that fails every fourth page, its first replica held",
    promised: false,
    ours: (field) =>
      undoOurs(field, "failing-canary", {
        version: field.bad.failing,
        change: { canary },
        outcome: "taken back",
        because: /canary: .* were 5xx/,
      }),
    bare: (field, application) =>
      bare(field, application, "failing-canary", async (mark) => {
        const { status } = await application.release(field.bad.failing.image);
        mark("released");
        await delay(canary.holdSeconds * 1000, undefined, { signal: field.platform.stage.signal });
        return { outcome: `deployment ${status}`, problems: [] };
      }),
  },
  {
    name: "scaling",
    title: "scaling to 1, 3 and 2 replicas",
    promised: true,
    ours: ({ platform }) =>
      ours(platform, "scaling", async (mark) => {
        const problems: string[] = [];
        for (const replicas of [1, 3, 2]) {
          mark(`to ${replicas}`);
          const spec = { ...platform.spec(), replicas };
          const ended = await platform.apply(spec);
          problems.push(...judged(ended, await serves(platform, spec)).problems);
        }
        return { outcome: problems.length === 0 ? "done" : "failed", problems };
      }),
  },
  {
    name: "coolify-restart",
    title: "Coolify killed in the middle of a release",
    promised: true,
    ours: ({ platform }) =>
      ours(platform, "coolify-restart", async (mark) => {
        const spec = platform.moved(other(platform));
        const middle = inTheMiddle(platform.coolify, await platform.uuid(), platform.stage.signal);
        const running = platform.apply(spec, { onLine: steps(mark) });
        if (!(await middle)) throw new Error("the rolling update was over before anybody saw it");
        mark("Coolify killed");
        await platform.restart("coolify");
        mark("Coolify is back");
        const first = await running;
        if (first.exitCode === 0) return judged(first, await serves(platform, spec));
        mark("run again");
        const { problems } = judged(await platform.apply(spec, { onLine: steps(mark) }), await serves(platform, spec));
        return { outcome: "the first run failed, the next one converged", problems };
      }),
    bare: (field, application) =>
      bare(field, application, "coolify-restart", async (mark) => {
        const { coolify, stage, restart, versions } = field.platform;
        const middle = inTheMiddle(coolify, application.uuid, stage.signal);
        const running = application.release(versions[1].image).then(
          ({ status }) => `deployment ${status}`,
          (error: unknown) => `no answer: ${error instanceof Error ? error.message.split("\n")[0] : String(error)}`,
        );
        // Among processes a container without a gate takes over in a moment.
        if (!(await middle)) return { outcome: `${await running}, before Coolify could be killed`, problems: [] };
        mark("Coolify killed");
        await restart("coolify");
        mark("Coolify is back");
        return { outcome: await running, problems: [] };
      }),
  },
  {
    name: "crash",
    title: `release that ends by itself ${crashesAfterSeconds} s after its start`,
    promised: false,
    ours: (field) =>
      ours(field.platform, "crash", async (mark) => {
        const { platform, bad } = field;
        const spec = platform.moved(bad.crashing);
        const ended = await platform.apply(spec, { onLine: steps(mark) });
        mark("released");
        await delay(crashWatchMs, undefined, { signal: platform.stage.signal });
        return judged(ended, null);
      }),
    bare: (field, application) =>
      bare(field, application, "crash", async (mark) => {
        const { status } = await application.release(field.bad.crashing.image);
        mark("released");
        await delay(crashWatchMs, undefined, { signal: field.platform.stage.signal });
        return { outcome: `deployment ${status}`, problems: [] };
      }),
  },
  {
    name: "proxy-restart",
    title: "the proxy killed and started again",
    promised: false,
    ours: (field) => ours(field.platform, "proxy-restart", (mark) => restartProxy(field, mark)),
    bare: (field, application) => bare(field, application, "proxy-restart", (mark) => restartProxy(field, mark)),
  },
];

async function restartProxy(
  { platform: { restart, stage } }: Field,
  mark: (text: string) => void,
): Promise<{ outcome: string; problems: string[] }> {
  await delay(proxyWatchMs / 2, undefined, { signal: stage.signal });
  mark("proxy killed");
  await restart("proxy");
  mark("proxy is back");
  await delay(proxyWatchMs / 2, undefined, { signal: stage.signal });
  return { outcome: "restarted", problems: [] };
}

/** Coolify's domains name no port of the proxy. */
function origin(url: string): string {
  return `http://${new URL(url).hostname}`;
}
