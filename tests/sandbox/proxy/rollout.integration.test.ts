import assert from "node:assert/strict";
import type Docker from "dockerode";
import { until } from "../containers/fixture.ts";
import { whyNoDocker } from "../docker/runtime.ts";
import { healthy, openDocker, openProcesses, run, site, type Platform } from "./fixture.ts";
import { startLoad, type LoadResult } from "./load.ts";
import { implementations, noTraefik, type Router } from "./router.ts";

const perSecond = 200;
/** Stays ready for as long as it takes the proxy to know the new container, then serves on until every check has seen that it is going. */
const patient = ["READY_SECONDS=3", "DRAIN_SECONDS=4"];

interface Pair {
  readonly name: string;
  readonly open: () => Promise<Platform>;
  readonly start: (typeof implementations)[string];
  /** Why it cannot run here, or null. */
  readonly missing: string | null;
  /** All scenarios, or those that the real thing is asked about: the others differ from them in labels alone. */
  readonly all: boolean;
}

const { "sandbox proxy": ours = null, Traefik: real = null } = implementations;
const missing = real === null ? noTraefik : null;
const pairs: readonly Pair[] = [
  { name: "processes behind our proxy", open: openProcesses, start: ours, missing: null, all: true },
  { name: "processes behind Traefik", open: openProcesses, start: real, missing, all: false },
  {
    name: "Docker behind Traefik",
    open: openDocker,
    start: real,
    missing: missing ?? (await whyNoDocker()),
    all: false,
  },
];

/**
 * The same rollout as Coolify's: start the new container, wait for Docker's `healthy`, stop the old one. What is lost depends on labels and shutdown alone.
 * Measured on a real Docker engine: bare, 410 of 3,400 requests; equal labels and a patient shutdown, none; unequal labels, 1,205.
 */
for (const { name, open, start, missing, all } of pairs) {
  describe(`a rollout under load: ${name}`, function () {
    this.timeout(120_000);
    let platform: Platform;
    let router: Router;
    const oursOnly = all ? it : () => undefined;

    before(async function () {
      if (missing === null) platform = await open();
      else console.log(`      ${missing}`);
    });
    after(async () => {
      if (missing === null) await platform.remove();
    });
    beforeEach(async function () {
      if (missing !== null || start === null) return this.skip();
      router = await start(platform.address);
    });
    afterEach(async () => {
      if (missing !== null) return;
      await router.close();
      await platform.clear();
    });

    /** Replaces the containers one after another under load. */
    async function roll(
      old: Docker.Container[],
      replacements: (() => Promise<Docker.Container>)[],
    ): Promise<LoadResult> {
      for (const container of old) await healthy(container);
      await until("a route", async () => (await router.routers()).length > 0);
      const load = startLoad({ port: router.port, host: "shop.test", path: "/" }, perSecond);
      // Longer than the proxy's throttle: what it does about the start itself is over.
      await load.sent(3 * perSecond);
      for (const [index, replacement] of replacements.entries()) {
        await healthy(await replacement());
        await old[index]?.stop({ t: 30 });
      }
      // And until it knows of the last end.
      await load.sent(4 * perSecond);
      return load.stop();
    }

    function report(result: LoadResult): void {
      const { sent, failed, failures, failingSeconds } = result;
      const kinds = Object.entries(failures).map(([kind, count]) => `${count} x ${kind}`);
      console.log(
        `      ${failed} of ${sent} requests failed${failed === 0 ? "" : ` (${kinds.join(", ")}) over ${failingSeconds.toFixed(1)} s`}`,
      );
    }

    it("loses requests bare: no check by the proxy, and the process exits on SIGTERM", async () => {
      const labels = site("shop", "shop.test");
      const result = await roll(
        [await run(platform, "old", labels, { healthSeconds: 1 })],
        [() => run(platform, "new", labels, { healthSeconds: 1 })],
      );
      report(result);
      assert.ok(result.failed > 0);
    });

    it("loses none with equal labels, an active check, and a shutdown that stays ready for 3 s", async () => {
      const labels = site("shop", "shop.test", { check: "1s", retry: true });
      const next = (container: string) => run(platform, container, labels, { healthSeconds: 1, env: patient });
      const result = await roll([await next("old")], [() => next("new")]);
      report(result);
      assert.equal(result.failed, 0);
    });

    oursOnly("loses none with two replicas that move one after another", async () => {
      const labels = site("shop", "shop.test", { check: "1s", retry: true });
      const next = (container: string) => run(platform, container, labels, { healthSeconds: 1, env: patient });
      const result = await roll([await next("old-1"), await next("old-2")], [() => next("new-1"), () => next("new-2")]);
      report(result);
      assert.equal(result.failed, 0);
    });

    it("answers 404 while two containers define one name unequally", async () => {
      const next = (container: string, check: string) =>
        run(platform, container, site("shop", "shop.test", { check, retry: true }), { healthSeconds: 1, env: patient });
      const result = await roll([await next("old", "1s")], [() => next("new", "2s")]);
      report(result);
      assert.ok((result.failures["404"] ?? 0) > perSecond, JSON.stringify(result.failures));
    });

    it("loses none when a changed definition has names of its own and a higher priority", async () => {
      const next = (container: string, hash: string, check: string, priority: number) =>
        run(platform, container, site(`shop-${hash}`, "shop.test", { check, retry: true, priority }), {
          healthSeconds: 1,
          env: patient,
        });
      const result = await roll([await next("old", "a1", "1s", 100)], [() => next("new", "b2", "2s", 101)]);
      report(result);
      assert.equal(result.failed, 0);
    });
  });
}
