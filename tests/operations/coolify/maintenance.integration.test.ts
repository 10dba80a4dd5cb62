import assert from "node:assert/strict";
import { Agent, request } from "node:http";
import { replicaHeader, replicaId } from "../../../operations/coolify/labels.ts";
import { setMaintenance } from "../../../operations/coolify/maintenance.ts";
import { digestOf } from "../../../operations/coolify/plan.ts";
import type { ApplicationSpec } from "../../../operations/coolify/spec.ts";
import { buildFolder } from "../../../sandbox/workload/build.ts";
import { publishTools } from "../../../sandbox/tools/publish.ts";
import { until } from "../../sandbox/coolify/fixture.ts";
import { recorded } from "./context.ts";
import { openPlatform, type Platform } from "./platform.ts";

/** What users get, without a pause, over connections that are kept alive. Nobody tries twice. */
class Users {
  /** Answers by kind, since it was last cleared. */
  readonly seen = new Map<string, number>();
  /** Kinds that were ever seen. */
  readonly kinds = new Set<string>();
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 4 });
  readonly #port: number;
  readonly #working: Promise<void>[];
  #asking = true;

  constructor(port: number) {
    this.#port = port;
    this.#working = Array.from({ length: 4 }, () => this.#ask());
  }

  async #ask(): Promise<void> {
    while (this.#asking) {
      const kind = await this.#once();
      this.kinds.add(kind);
      this.seen.set(kind, (this.seen.get(kind) ?? 0) + 1);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  #once(): Promise<string> {
    return new Promise((resolve) => {
      const asked = request(
        { host: "127.0.0.1", port: this.#port, path: "/page", agent: this.#agent, timeout: 5000 },
        (answer) => {
          answer.resume();
          answer.on("error", () => resolve("cut off"));
          answer.on("end", () => {
            const { statusCode, headers } = answer;
            resolve(statusCode === 503 && headers["retry-after"] === "60" ? "maintenance" : `${statusCode}`);
          });
        },
      );
      asked.on("error", (error) => resolve(error.message));
      asked.on("timeout", () => asked.destroy(new Error("no answer")));
      asked.end();
    });
  }

  async leave(): Promise<void> {
    this.#asking = false;
    await Promise.all(this.#working);
    this.#agent.destroy();
  }
}

describe("maintenance on Coolify", () => {
  let platform: Platform;
  let application: ApplicationSpec;
  let maintenance: ApplicationSpec;
  let uuid: string;
  let users: Users | undefined;
  before(async () => {
    platform = await openPlatform({ throttleMs: 2000, timeScale: 1 });
    const { registry, credentials } = platform.workshop;
    const [tools, image] = await Promise.all([
      publishTools({ registry, auth: credentials, dir: `${buildFolder}/tools` }),
      platform.release("release-1"),
    ]);
    application = platform.spec({ name: "site", image });
    maintenance = platform.spec({
      name: "maintenance-page",
      image: tools.reference,
      stamp: null,
      standby: true,
      port: 8080,
      health: { path: "/health", intervalSeconds: 1, timeoutSeconds: 2, retries: 4, startPeriodSeconds: 5 },
      drain: { readySeconds: 0, drainSeconds: 9 },
      stopGracePeriodSeconds: 20,
      variables: { AFFEXAI_SERVE: "maintenance", PORT: "8080", DRAIN_READY_SECONDS: "0", DRAIN_SECONDS: "9" },
      secretVariables: [],
    });
    await platform.apply(application);
    ({ uuid } = await platform.apply(maintenance));
  });
  after(async () => {
    await users?.leave();
    await platform.close();
  });

  it("is created stopped, in nobody's way and no part of a release", async () => {
    assert.equal((await platform.deployments(uuid)).length, 0);
    assert.deepEqual(await platform.workshop.containers(uuid), []);
    assert.equal(await platform.ledger(maintenance).newest(), null);
    assert.equal((await platform.apply(maintenance)).uuid, uuid, "applied again, it changes nothing");
    const seen = await platform.ask(application);
    assert.equal(typeof seen === "number" ? seen : seen.release, "release-1");
  });

  it("answers 503 with Retry-After to everybody while it is on, and loses no request in going on or off", async () => {
    const target = { uuid, url: `http://127.0.0.1:${application.publicPort ?? 0}` };
    users = new Users(application.publicPort ?? 0);
    const asking = users;
    await until("answers of the application", async () => (asking.seen.get("200") ?? 0) > 20);

    await setMaintenance(target, "on", recorded(platform.env));
    asking.seen.clear();
    await until("answers during maintenance", async () => (asking.seen.get("maintenance") ?? 0) > 100);
    assert.deepEqual([...asking.seen.keys()], ["maintenance"]);
    const own = await fetch(`${target.url}/version`, {
      headers: { [replicaHeader]: replicaId(1, digestOf(application.image)) },
    });
    assert.equal(
      ((await own.json()) as { release: string }).release,
      "release-1",
      "the gate still reaches the replica",
    );
    const started = platform.traffic.requests.length;
    await setMaintenance(target, "on", recorded(platform.env));
    const again = platform.traffic.requests.slice(started);
    assert.ok(!again.some((line) => line.startsWith("POST")), "on already: nothing is deployed");

    await setMaintenance(target, "off", recorded(platform.env));
    asking.seen.clear();
    await until("answers of the application again", async () => (asking.seen.get("200") ?? 0) > 20);
    assert.deepEqual([...asking.seen.keys()], ["200"]);
    await asking.leave();
    assert.deepEqual([...asking.kinds].sort(), ["200", "maintenance"]);
    assert.deepEqual(await platform.workshop.containers(uuid), []);
  });
});
