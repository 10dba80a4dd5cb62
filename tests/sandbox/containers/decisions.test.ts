import assert from "node:assert/strict";
import {
  afterProbe,
  checkTiming,
  unproven,
  untilNextProbe,
  type Health,
  type HealthStatus,
} from "../../../sandbox/containers/health.ts";
import { hostsOf } from "../../../sandbox/containers/hosts.ts";
import { parseHttpProbe } from "../../../sandbox/containers/http-probe.ts";
import { freshState, type ContainerRecord } from "../../../sandbox/containers/record.ts";
import { parseReference } from "../../../sandbox/containers/reference.ts";
import { restartDelay, type Ending } from "../../../sandbox/containers/restart-policy.ts";

describe("health of a container", () => {
  const second = 1e9;
  const timing = checkTiming({ Interval: second, Retries: 3, StartPeriod: 10 * second });

  /** The statuses after these results; each result is an exit code and when its check began. */
  function follow(
    results: readonly [exitCode: number, sinceStartMs: number][],
    from: Health = unproven,
  ): HealthStatus[] {
    let health = from;
    return results.map(([exitCode, sinceStartMs]) => {
      health = afterProbe(health, { exitCode, output: "", start: "", end: "" }, timing, sinceStartMs);
      return health.status;
    });
  }

  it("does not count failures within the start period while it is starting", () => {
    const early = Array.from({ length: 5 }, (_, index): [number, number] => [1, index * 1000]);
    assert.deepEqual(new Set(follow(early)), new Set(["starting"]));
    assert.deepEqual(follow([...early, [1, 10_000], [1, 11_000], [1, 12_000]]).slice(-3), [
      "starting",
      "starting",
      "unhealthy",
    ]);
  });

  it("needs one success for healthy, and the retries in a row for unhealthy, also within the start period", () => {
    assert.deepEqual(
      follow([
        [0, 1000],
        [1, 2000],
        [1, 3000],
        [0, 4000],
        [1, 5000],
        [1, 6000],
        [1, 7000],
        [0, 8000],
      ]),
      ["healthy", "healthy", "healthy", "healthy", "healthy", "healthy", "unhealthy", "healthy"],
    );
  });

  it("keeps the last five results", () => {
    let health = unproven;
    for (let index = 0; index < 9; index += 1)
      health = afterProbe(health, { exitCode: index, output: "", start: "", end: "" }, timing, 20_000);
    assert.deepEqual(
      health.log.map(({ exitCode }) => exitCode),
      [4, 5, 6, 7, 8],
    );
  });

  it("is asked for every start interval at first, at the end of the start period, and every interval then", () => {
    assert.equal(untilNextProbe("starting", timing, 0), 5000);
    assert.equal(untilNextProbe("healthy", timing, 0), 1000);
    assert.equal(untilNextProbe("starting", timing, 9_500), 500);
    assert.equal(untilNextProbe("starting", timing, 10_000), 1000);
    assert.deepEqual(checkTiming({}), {
      intervalMs: 30_000,
      timeoutMs: 30_000,
      retries: 3,
      startPeriodMs: 0,
      startIntervalMs: 5_000,
    });
  });
});

describe("restart policy", () => {
  const ending: Ending = { exitCode: 1, ranForMs: 50, stoppedByRequest: false, restartCount: 0, lastDelayMs: 0 };
  const table: readonly [
    name: string,
    policy: Parameters<typeof restartDelay>[0],
    ending: Partial<Ending>,
    delay: number | null,
  ][] = [
    ["none", undefined, {}, null],
    ["no", { Name: "no" }, {}, null],
    ["always, first", { Name: "always" }, { exitCode: 0 }, 100],
    ["always, again", { Name: "always" }, { lastDelayMs: 100 }, 200],
    ["always, at the limit", { Name: "always" }, { lastDelayMs: 40_000 }, 60_000],
    ["always, after a long run", { Name: "always" }, { lastDelayMs: 40_000, ranForMs: 10_000 }, 100],
    ["unless-stopped, stopped", { Name: "unless-stopped" }, { stoppedByRequest: true }, null],
    ["on-failure, clean", { Name: "on-failure" }, { exitCode: 0 }, null],
    ["on-failure, without a limit", { Name: "on-failure", MaximumRetryCount: 0 }, { restartCount: 99 }, 100],
    ["on-failure, within its limit", { Name: "on-failure", MaximumRetryCount: 2 }, { restartCount: 1 }, 100],
    ["on-failure, at its limit", { Name: "on-failure", MaximumRetryCount: 2 }, { restartCount: 2 }, null],
  ];
  for (const [name, policy, changed, delay] of table) {
    it(`${name}: ${delay === null ? "stays down" : `${delay} ms`}`, () => {
      assert.equal(restartDelay(policy, { ...ending, ...changed }), delay);
    });
  }
});

describe("image reference", () => {
  const digest = `sha256:${"a".repeat(64)}`;
  for (const [text, registry, path, familiar, tag, found] of [
    ["postgres", "docker.io", "library/postgres", "postgres", "latest", undefined],
    ["postgres:16-alpine", "docker.io", "library/postgres", "postgres", "16-alpine", undefined],
    ["docker.io/library/redis:7.2", "docker.io", "library/redis", "redis", "7.2", undefined],
    ["owner/app:1", "docker.io", "owner/app", "owner/app", "1", undefined],
    [
      "127.0.0.1:7303/affexai/backend:v1",
      "127.0.0.1:7303",
      "affexai/backend",
      "127.0.0.1:7303/affexai/backend",
      "v1",
      undefined,
    ],
    [`ghcr.io/o/app@${digest}`, "ghcr.io", "o/app", "ghcr.io/o/app", "latest", digest],
    [`localhost/app:x@${digest}`, "localhost", "app", "localhost/app", "x", digest],
  ] as const) {
    it(`${text} is ${familiar} of ${registry}`, () => {
      assert.deepEqual(parseReference(text), { registry, path, familiar, tag, digest: found });
    });
  }

  it("is refused when malformed", () => {
    for (const text of ["", "UPPER/app", "app@sha256:12", "a b"])
      assert.throws(() => parseReference(text), /invalid reference format/);
  });
});

describe("health check of Coolify", () => {
  it("is recognised, with its alternatives in order", () => {
    const url = "http://localhost:3000/health/ready";
    const parsed = parseHttpProbe(`curl -s -X GET -f ${url} > /dev/null || wget -q -O- ${url} > /dev/null || exit 1`);
    assert.deepEqual(
      parsed?.map((alternative) =>
        "url" in alternative ? [alternative.tool, alternative.url.href, alternative.method] : alternative,
      ),
      [["curl", url, "GET"], ["wget", url, "GET"], { tool: "exit", code: 1 }],
    );
  });

  for (const script of [
    "curl -f https://localhost/",
    "wget -q -O- http://a/ && echo fine",
    "pg_isready || exit 1",
    "curl -f http://a/ | grep ok",
    "curl --data x http://a/",
  ]) {
    it(`leaves to a shell: ${script}`, () => assert.equal(parseHttpProbe(script), null));
  }
});

describe("names of containers", () => {
  const record = (id: string, address: string | null, networks: Record<string, string[]>): ContainerRecord => ({
    id: id.repeat(64),
    name: `name-${id}`,
    created: "",
    image: "",
    imageId: "",
    config: {},
    hostConfig: { ExtraHosts: ["host.docker.internal:host-gateway", "Mail:10.0.0.5"] },
    endpoints: Object.fromEntries(
      Object.entries(networks).map(([name, aliases]) => [name, { networkId: "", endpointId: "", aliases }]),
    ),
    state: { ...freshState(), address },
  });

  it("are those of what runs, per network, none on the default bridge", () => {
    const hosts = hostsOf([
      record("a", "127.77.1.2", { coolify: ["backend"] }),
      record("b", "127.77.1.3", { coolify: ["backend"], other: [] }),
      record("c", null, { coolify: ["backend"] }),
      record("d", "127.77.1.4", { bridge: ["backend"] }),
    ]);
    assert.deepEqual(hosts.networks["coolify"], {
      "name-a": ["127.77.1.2"],
      aaaaaaaaaaaa: ["127.77.1.2"],
      backend: ["127.77.1.2", "127.77.1.3"],
      "name-b": ["127.77.1.3"],
      bbbbbbbbbbbb: ["127.77.1.3"],
    });
    assert.deepEqual(Object.keys(hosts.networks), ["coolify", "other"]);
    assert.deepEqual(hosts.containers["d".repeat(64)], {
      networks: [],
      hosts: { "host.docker.internal": "127.0.0.1", mail: "10.0.0.5", dddddddddddd: "127.77.1.4" },
    });
  });
});
