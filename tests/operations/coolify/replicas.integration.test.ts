import assert from "node:assert/strict";
import type { Application } from "../../../operations/coolify/answers.ts";
import { definitionsIn } from "../../../operations/coolify/labels.ts";
import { overlapVariable } from "../../../operations/coolify/move-all.ts";
import { labelsOf, markOf } from "../../../operations/coolify/plan.ts";
import { retireApplication } from "../../../operations/coolify/retire.ts";
import type { ApplicationSpec } from "../../../operations/coolify/spec.ts";
import { OperationError } from "../../../operations/error.ts";
import { until } from "../../sandbox/coolify/fixture.ts";
import { recorded } from "./context.ts";
import { startLightLoad, type LightLoad } from "./light-load.ts";
import { openPlatform, type Platform } from "./platform.ts";

describe("the replicas of an application", function () {
  this.timeout(180_000);
  let platform: Platform;
  let one: string;
  let two: string;
  let load: LightLoad | null = null;
  before(async () => {
    platform = await openPlatform();
    one = await platform.release("release-1", "patient");
    two = await platform.release("release-2", "patient");
  });
  afterEach(async () => {
    await load?.stop();
    load = null;
    await platform.clear();
  });
  after(() => platform.close());

  const digestOf = (image: string): string => image.split("@")[1] ?? "";
  const stamp = (id: string) => ({ stamp: { id, after: null } });
  const applicationOf = async (uuid = "") =>
    (await platform.workshop.coolify.expect(200, "GET", `/applications/${uuid}`)) as unknown as Application;
  const deploymentsOf = async (uuids: readonly string[]) =>
    Promise.all(uuids.map(async (uuid) => (await platform.deployments(uuid)).length));
  const underLoad = (spec: ApplicationSpec): LightLoad => (load = startLightLoad(spec.publicPort ?? 0));
  const requestsOf = async (work: () => Promise<unknown>): Promise<string[]> => {
    const start = platform.traffic.requests.length;
    await work();
    return platform.traffic.requests.slice(start);
  };
  const failure = async (work: Promise<unknown>): Promise<OperationError> => {
    const error: unknown = await work.then(
      () => assert.fail("it passed"),
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof OperationError, error instanceof Error ? (error.stack ?? "") : String(error));
    return error;
  };

  it("move one at a time, within 8 requests and 6 a replica, and cost four when nothing changes", async () => {
    const spec = platform.spec({ name: "three", image: one, replicas: 3 });
    const { uuids } = await platform.apply(spec);
    assert.equal(new Set(uuids).size, 3);
    const unchanged = await requestsOf(() => platform.apply(spec));
    assert.equal(unchanged.length, 4, unchanged.join("\n"));
    assert.deepEqual(await deploymentsOf(uuids), [1, 1, 1]);
    const users = underLoad(spec);
    const next = platform.spec({ name: "three", image: two, replicas: 3, ...stamp("release-2") });
    const changed = await requestsOf(() => platform.apply(next));
    const { failures, releases, sent } = users.seen();
    assert.deepEqual([failures, releases], [{}, ["release-1", "release-2"]]);
    assert.ok(sent > 200, String(sent));
    assert.deepEqual(await deploymentsOf(uuids), [2, 2, 2]);
    const counted = changed.filter((request) => !/^GET .*\/deployments\//.test(request));
    assert.ok(counted.length <= 8 + 6 * 3, counted.join("\n"));
    // Each is marked as verified before the next one is deployed.
    const steps = changed.filter((request) => request.startsWith("P") && !request.endsWith("/envs/bulk"));
    const name = (uuid = "") => `PATCH /api/v1/applications/${uuid}`;
    assert.deepEqual(
      steps,
      uuids.flatMap((uuid) => [name(uuid), "POST /api/v1/deploy", name(uuid)]),
    );
  });

  it("lose nothing when they become three and then two, and those that stay are not deployed again", async () => {
    const spec = platform.spec({ name: "scaled", image: one });
    const { uuids } = await platform.apply(spec);
    const users = underLoad(spec);
    const wide = await platform.apply({ ...spec, replicas: 3 });
    assert.equal(wide.uuids[0], uuids[0]);
    assert.deepEqual(await deploymentsOf(wide.uuids), [1, 1, 1]);
    const narrow = await platform.apply({ ...spec, replicas: 2 });
    assert.deepEqual(narrow.uuids, wide.uuids.slice(0, 2));
    assert.deepEqual(await deploymentsOf(wide.uuids), [1, 1, 1]);
    assert.deepEqual(users.seen().failures, {});
    const third = await applicationOf(wide.uuids[2]);
    assert.match(third.status ?? "", /^exited/);
    assert.deepEqual(labelsOf(third), ["traefik.enable=false"]);
    const requests = await requestsOf(() => platform.apply({ ...spec, replicas: 2 }));
    assert.equal(requests.length, 4, "what is out of service costs nothing");
    const again = await platform.apply({ ...spec, replicas: 3 });
    assert.deepEqual(again.uuids, wide.uuids, "it comes back as the same application");
    assert.deepEqual(await deploymentsOf(wide.uuids), [1, 1, 2]);
    assert.deepEqual(users.seen().failures, {});
  });

  it("lose nothing when a release changes the routes, nor when it goes back half-way", async () => {
    const spec = platform.spec({ name: "routes", image: one, replicas: 2 });
    const { uuids } = await platform.apply(spec);
    const definition = async (uuid = "") => definitionsIn(labelsOf(await applicationOf(uuid)));
    const first = await definition(uuids[0]);
    const users = underLoad(spec);
    const next = platform.spec({
      name: "routes",
      image: two,
      replicas: 2,
      ...stamp("release-2"),
      hosts: ["127.0.0.1", "localhost"],
    });
    await platform.fault({
      match: { method: "PATCH", path: `/applications/${uuids[1] ?? ""}$` },
      effect: { kind: "respond", status: 500, body: { message: "Server Error" } },
    });
    const error = await failure(platform.apply(next));
    assert.match(
      error.message,
      new RegExp(
        `answered 500[^]*Now: routes-2 keeps serving ${digestOf(one)} \\(release release-1\\), its settings are back; ` +
          `routes serves ${digestOf(one)} \\(release release-1\\) again; routes-2 serves ${digestOf(one)} \\(release release-1\\)\\.`,
      ),
    );
    assert.deepEqual(users.seen().failures, {});
    const back = await definition(uuids[0]);
    assert.notDeepEqual(back, first, "above what drained");
    assert.deepEqual(await definition(uuids[1]), back, "both share the requests again");
    const requests = await requestsOf(() => platform.apply(spec));
    assert.equal(requests.length, 4, "nothing is left to do for the old release");
    await platform.apply(next);
    const { failures, releases } = users.seen();
    assert.deepEqual([failures, releases], [{}, ["release-1", "release-2"]]);
    assert.deepEqual(await definition(uuids[0]), await definition(uuids[1]));
    assert.notDeepEqual(await definition(uuids[0]), back);
  });

  it("go back, newest first, when one of them fails its gate, and the message says what each serves", async () => {
    const spec = platform.spec({ name: "back", image: one, replicas: 2 });
    const { uuids } = await platform.apply(spec);
    const users = underLoad(spec);
    const next = platform.spec({ name: "back", image: two, replicas: 2, ...stamp("release-2") });
    // The second is deployed by somebody who has changed its image in between.
    await platform.fault({
      match: { method: "PATCH", path: `/applications/${uuids[1] ?? ""}$` },
      effect: { kind: "ok-but-nothing-done", body: { uuid: uuids[1] ?? "" } },
    });
    const error = await failure(platform.apply(next));
    assert.match(error.message, /does not keep the labels and the image that were sent/);
    assert.match(
      error.message,
      new RegExp(`Now: back-2 keeps serving ${digestOf(one)}[^;]*; back serves ${digestOf(one)}`),
    );
    const { failures, releases } = users.seen();
    assert.deepEqual([failures, releases], [{}, ["release-1", "release-2"]]);
    await platform.apply(next);
    assert.deepEqual(users.seen().failures, {});
    assert.equal(markOf(await applicationOf(uuids[1]))?.revision?.length, 16);
  });

  it("hold the first of a new image as a canary, and go back when it answers worse than the old ones", async () => {
    const canary = {
      holdSeconds: 20,
      metricsPath: "/metrics",
      maxErrorRatio: 0.05,
      maxLatencyRatio: 3,
      minRequests: 20,
    };
    const spec = platform.spec({ name: "canary", image: one, replicas: 2, canary });
    const first = await platform.apply(spec);
    assert.ok(!first.lines.some((line) => line.includes("held for")), "nothing was there to compare with");
    const users = underLoad(spec);
    const image = await platform.release("release-6", "failing");
    const bad = platform.spec({ name: "canary", image, replicas: 2, canary, ...stamp("release-6") });
    const error = await failure(platform.apply(bad));
    assert.match(
      error.message,
      /canary: 3\d\.\d % of the new one's answers were 5xx, 0\.0 % of the old ones'; its answers took 1\.0 ms in the mean, the old ones' 1\.0 ms/,
    );
    assert.match(error.message, /Now: canary serves [^;]* again; canary-2 was not touched and serves/);
    assert.deepEqual(await deploymentsOf(first.uuids), [3, 1]);
    assert.deepEqual(Object.keys(users.seen().failures), ["500"], "which is what the canary showed to some");
    const quick = { ...canary, holdSeconds: 2 };
    const good = platform.spec({ name: "canary", image: two, replicas: 2, canary: quick, ...stamp("release-2") });
    const { lines } = await platform.apply(good);
    assert.ok(
      lines.some((line) => /^canary: 0\.0 % of the new one's answers were 5xx/.test(line)),
      lines.join("\n"),
    );
    await users.stop();
    const { lines: quiet } = await platform.apply({ ...spec, canary: { ...quick, minRequests: 10_000 } });
    assert.ok(
      quiet.some((line) =>
        /^canary: too few requests to judge: \d+ answers of the new one, \d+ of the old, 10000 needed/.test(line),
      ),
    );
  });

  it("are deployed one after another, each verified while the next one is, when the run says so", async () => {
    const spec = platform.spec({ name: "overlap", image: one, replicas: 2 });
    const { uuids } = await platform.apply(spec);
    const users = underLoad(spec);
    const next = platform.spec({ name: "overlap", image: two, replicas: 2, ...stamp("release-2") });
    const requests = await requestsOf(() => platform.apply(next, undefined, { [overlapVariable]: "1" }));
    // The second begins when the first's old container has ended, and before the first is verified.
    const [first = "", second = ""] = uuids;
    const begun = requests.findIndex((request) => request.includes(second));
    const deployed = requests.indexOf("POST /api/v1/deploy");
    const marked = requests.findLastIndex((request) => request.startsWith("PATCH") && request.includes(first));
    assert.ok(deployed < begun && begun < marked, requests.join("\n"));
    assert.deepEqual(users.seen().failures, {});
  });

  it("go back all the same when the last of them fails and the run says so", async () => {
    const spec = platform.spec({ name: "overlap-back", image: one, replicas: 2 });
    const { uuids } = await platform.apply(spec);
    const users = underLoad(spec);
    const next = platform.spec({ name: "overlap-back", image: two, replicas: 2, ...stamp("release-2") });
    await platform.fault({
      match: { method: "PATCH", path: `/applications/${uuids[1] ?? ""}$` },
      effect: { kind: "ok-but-nothing-done", body: { uuid: uuids[1] ?? "" } },
    });
    // In a process of its own, one that nobody takes ends the verb before its way back.
    const untaken: unknown[] = [];
    const take = (reason: unknown) => void untaken.push(reason);
    process.on("unhandledRejection", take);
    const error = await failure(platform.apply(next, undefined, { [overlapVariable]: "1" })).finally(() =>
      process.off("unhandledRejection", take),
    );
    assert.deepEqual(untaken, []);
    assert.match(error.message, /does not keep the labels and the image that were sent/);
    assert.match(error.message, new RegExp(`; overlap-back serves ${digestOf(one)}`));
    assert.deepEqual(users.seen().failures, {});
  });

  it("leave their routes before they stop, the highest first, and cost others on the host nothing", async () => {
    const spec = platform.spec({ name: "leaving", image: one, replicas: 2 });
    const { uuids } = await platform.apply(spec);
    const heir = platform.spec({ name: "heir", image: two, ...stamp("release-2") });
    const users = underLoad(spec);
    const { uuid } = await platform.apply(heir);
    const requests = await requestsOf(() => retireApplication.run(spec, recorded(platform.env)));
    assert.deepEqual(
      requests.filter((request) => request.startsWith("P")),
      uuids
        .toReversed()
        .flatMap((one) => [`PATCH /api/v1/applications/${one}`, `POST /api/v1/applications/${one}/stop`]),
    );
    assert.deepEqual(users.seen().failures, {});
    for (const one of uuids) assert.deepEqual(labelsOf(await applicationOf(one)), ["traefik.enable=false"]);
    await platform.workshop.deploy(uuids[0] ?? "");
    const { failures, releases } = users.seen();
    assert.deepEqual([failures, releases], [{}, ["release-2"]], "one that is started again by hand serves nobody");
    assert.match((await applicationOf(uuid)).status ?? "", /^running/);
  });

  it("are moved by one run at a time: a second one is refused before it asks Coolify anything", async () => {
    const spec = platform.spec({ name: "twice", image: one });
    await platform.apply(spec);
    const next = platform.spec({ name: "twice", image: two, ...stamp("release-2") });
    const start = platform.traffic.requests.length;
    const running = platform.apply(next);
    await until("its first request", async () => platform.traffic.requests.length > start);
    const nowhere = { COOLIFY_URL: "http://127.0.0.1:1" };
    const error = await failure(platform.apply(spec, undefined, nowhere));
    assert.equal(error.kind, "refused");
    assert.match(
      error.message,
      /application twice: application apply, release release-2 \(process \d+ on .*\) is at work on it/,
    );
    await running;
    const history = await platform.ledger(spec).history();
    assert.deepEqual(
      history.map(({ events }) => events),
      [["begun"], ["begun"]],
      "and no attempt of its own",
    );
  });
});
