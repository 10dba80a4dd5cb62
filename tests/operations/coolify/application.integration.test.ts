import { GetObjectCommand } from "@aws-sdk/client-s3";
import assert from "node:assert/strict";
import { applyApplication } from "../../../operations/coolify/application.ts";
import { retireApplication } from "../../../operations/coolify/retire.ts";
import { encodeLabels, labelsOf, markOf } from "../../../operations/coolify/plan.ts";
import type { Application } from "../../../operations/coolify/answers.ts";
import type { ApplicationSpec } from "../../../operations/coolify/spec.ts";
import { OperationError } from "../../../operations/error.ts";
import { objectStorage } from "../../../operations/storage.ts";
import type { Fields } from "../../../sandbox/coolify/json.ts";
import { fieldsIn, until } from "../../sandbox/coolify/fixture.ts";
import { recorded } from "./context.ts";
import { openPlatform, type Platform } from "./platform.ts";

/** What a rejected apply threw. */
async function failure(work: Promise<unknown>): Promise<OperationError> {
  const error: unknown = await work.then(
    () => assert.fail("it passed"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof OperationError, error instanceof Error ? (error.stack ?? "") : String(error));
  return error;
}

describe("application apply", () => {
  let platform: Platform;
  let one: string;
  let two: string;
  before(async () => {
    platform = await openPlatform();
    one = await platform.release("release-1");
    two = await platform.release("release-2");
  });
  afterEach(() => platform.clear());
  after(() => platform.close());

  const digestOf = (image: string): string => image.split("@")[1] ?? "";
  const stamp = (id: string, after: string | null = null) => ({ stamp: { id, after } });
  const patch = (uuid: string, body: Fields) =>
    platform.workshop.coolify.expect(200, "PATCH", `/applications/${uuid}`, body);
  const applicationOf = async (uuid: string) =>
    (await platform.workshop.coolify.expect(200, "GET", `/applications/${uuid}`)) as unknown as Application;
  const rowsOf = async (uuid: string) =>
    fieldsIn((await platform.workshop.coolify.expect(200, "GET", `/applications/${uuid}/envs`)).list);
  const requestsOf = async (work: () => Promise<unknown>): Promise<string[]> => {
    const start = platform.traffic.requests.length;
    await work();
    return platform.traffic.requests.slice(start);
  };
  const answersAs = (spec: ApplicationSpec, release: string) =>
    until(`an answer of ${release}`, async () => {
      const seen = await platform.ask(spec);
      return typeof seen !== "number" && seen.release === release;
    });

  /** Applies, and ends the run while Coolify has the settings and not yet the deployment. */
  async function dieBeforeDeploying(spec: ApplicationSpec): Promise<void> {
    await platform.fault({ match: { method: "POST", path: "/deploy$" }, effect: { kind: "hang" } });
    const dying = new AbortController();
    const run = platform.apply(spec, dying.signal);
    const ended = assert.rejects(run);
    await until("the question to deploy", async () => platform.traffic.requests.at(-1) === "POST /api/v1/deploy");
    dying.abort();
    await ended;
    await fetch(`${platform.workshop.coolify.url}/_sandbox/faults`, { method: "DELETE" });
  }

  it("makes the first release serve, without a domain of Coolify's, and leaves its mark", async () => {
    const spec = platform.spec({ name: "first", image: one });
    const { uuid } = await platform.apply(spec);
    assert.deepEqual(await platform.ask(spec), {
      release: "release-1",
      digest: digestOf(one),
      gitSha: "0".repeat(40),
      level: "info",
    });
    const application = await applicationOf(uuid);
    assert.equal(application.fqdn, null);
    assert.deepEqual([markOf(application)?.owner, markOf(application)?.revision?.length], ["first", 16]);
    const newest = await platform.ledger(spec).newest();
    assert.deepEqual([newest?.id, newest?.events], ["000001", ["begun"]]);
  });

  it("asks four things and deploys nothing when the spec is what serves", async () => {
    const spec = platform.spec({ name: "unchanged", image: one });
    const { uuid } = await platform.apply(spec);
    const requests = await requestsOf(() => platform.apply(spec));
    assert.equal((await platform.deployments(uuid)).length, 1);
    assert.deepEqual(
      requests.filter((request) => !request.startsWith("GET")),
      [],
    );
    assert.equal(requests.length, 4, requests.join("\n"));
  });

  it("rolls a new digest out within 14 requests, polling aside", async () => {
    const spec = platform.spec({ name: "next", image: one });
    const { uuid } = await platform.apply(spec);
    const next = platform.spec({ name: "next", image: two, ...stamp("release-2") });
    const requests = await requestsOf(() => platform.apply(next));
    await answersAs(next, "release-2");
    assert.equal((await platform.deployments(uuid)).length, 2);
    const isPoll = (request: string) => /^GET .*\/deployments\//.test(request);
    const counted = requests.filter((request) => !isPoll(request));
    assert.ok(counted.length <= 14, counted.join("\n"));
    assert.equal(counted.length, 9, counted.join("\n"));
  });

  it("keeps the old release serving when the new one never gets ready, and puts settings, variables and labels back", async () => {
    const spec = platform.spec({ name: "gated", image: one, variables: { OLD: "1" } });
    const { uuid } = await platform.apply(spec);
    const before = await platform.record(uuid);
    const bad = platform.spec({
      name: "gated",
      image: await platform.release("release-3", "unready"),
      variables: { NEW: "1", LOG_LEVEL: "debug" },
      port: 3001,
      ...stamp("release-3"),
    });
    const error = await failure(platform.apply(bad));
    assert.match(error.message, /application gated, release release-3: deployment \S+: ended as failed/);
    assert.match(
      error.message,
      new RegExp(`Now: gated keeps serving ${digestOf(one)} \\(release release-1\\), its settings are back`),
    );
    assert.deepEqual(await platform.record(uuid), before);
    assert.equal((await platform.deployments(uuid)).length, 2, "nothing was deployed back");
    await answersAs(spec, "release-1");
    const attempt = await platform.ledger(spec).newest();
    assert.deepEqual([attempt?.release, attempt?.events], ["release-3", ["begun", "failed"]]);
    const requests = await requestsOf(() => platform.apply(spec));
    assert.equal(requests.length, 4, "release 1 is what serves, so nothing is left to do");
  });

  it("tells neither people nor the ledger a secret that the application printed", async () => {
    const spec = platform.spec({ name: "loud", image: await platform.release("release-4", "crashing") });
    const context = recorded(platform.env);
    const error = await failure(applyApplication.run(spec, context));
    assert.match(error.message, /bad secret \[redacted\]/);
    assert.match(error.message, /loud had no verified release before/);
    assert.doesNotMatch([error.message, ...context.lines].join("\n"), /jwt-secret-of-the-tests|1\|root/);
    const journal = await objectStorage(platform.env).send(
      new GetObjectCommand({ Bucket: "affexai-backups", Key: "journal/loud/000001.failed.json" }),
    );
    const reason = (await journal.Body?.transformToString()) ?? "";
    assert.match(reason, /bad secret \[redacted\]/);
    assert.doesNotMatch(reason, /jwt-secret-of-the-tests/);
  });

  it("keeps the old release serving when the new digest is not in the registry", async () => {
    const spec = platform.spec({ name: "absent", image: one });
    const { uuid } = await platform.apply(spec);
    const before = await platform.record(uuid);
    const image = `${one.split("@")[0]}@sha256:${"e".repeat(64)}`;
    const error = await failure(platform.apply(platform.spec({ name: "absent", image, ...stamp("release-9") })));
    assert.match(error.message, /Failed to start container[^]*keeps serving sha256/);
    assert.deepEqual(await platform.record(uuid), before);
    await answersAs(spec, "release-1");
  });

  it("deploys the old release back when the new one answers with another digest than its own", async () => {
    const spec = platform.spec({ name: "lying", image: one });
    const { uuid } = await platform.apply(spec);
    const image = await platform.release("release-5", "lying");
    const bad = platform.spec({ name: "lying", image, ...stamp("release-5"), rolloutTimeoutSeconds: 10 });
    const error = await failure(platform.apply(bad));
    assert.match(error.message, /not seen within 10 s; last seen: release release-5, sha256:9{64}/);
    assert.match(error.message, new RegExp(`lying serves ${digestOf(one)} \\(release release-1\\) again`));
    assert.equal((await platform.deployments(uuid)).length, 3);
    await answersAs(spec, "release-1");
  });

  it("finds out by asking that the new container serves, when the deployment's answer got lost", async () => {
    const spec = platform.spec({ name: "lost", image: one });
    const { uuid } = await platform.apply(spec);
    await platform.fault({ match: { method: "POST", path: "/deploy$" }, effect: { kind: "drop" }, after: true });
    const next = platform.spec({ name: "lost", image: two, ...stamp("release-2") });
    const error = await failure(platform.apply(next));
    assert.match(error.message, /POST \/deploy: gave no answer/);
    assert.match(error.message, new RegExp(`lost serves ${digestOf(one)} \\(release release-1\\) again`));
    assert.equal((await platform.deployments(uuid)).length, 3);
    await answersAs(spec, "release-1");
  });

  it("converges when it is run again after it died between the settings and the deployment", async () => {
    const spec = platform.spec({ name: "died", image: one });
    const { uuid } = await platform.apply(spec);
    const next = platform.spec({ name: "died", image: two, ...stamp("release-2") });
    await dieBeforeDeploying(next);
    const mark = markOf(await applicationOf(uuid));
    assert.deepEqual([mark?.revision, mark?.serves], [null, digestOf(one)]);
    await platform.apply(next);
    await answersAs(next, "release-2");
    assert.notEqual(markOf(await applicationOf(uuid))?.revision, null);
  });

  it("does not take for served what a run that died had only set, when the next release fails too", async () => {
    const spec = platform.spec({ name: "twice", image: one });
    const { uuid } = await platform.apply(spec);
    const image = await platform.release("release-3", "unready");
    const bad = platform.spec({ name: "twice", image, ...stamp("release-3") });
    await dieBeforeDeploying(bad);
    const error = await failure(platform.apply(bad));
    assert.match(error.message, new RegExp(`twice keeps serving ${digestOf(one)} \\(release release-1\\)`));
    assert.equal((await applicationOf(uuid)).docker_registry_image_tag, digestOf(one).replace(":", "-"));
    await platform.apply(spec);
    await answersAs(spec, "release-1");
  });

  it("recognises a deployment that Coolify made up, and asks again", async () => {
    const spec = platform.spec({ name: "phantom", image: one });
    await platform.fault({
      match: { method: "POST", path: "/deploy$" },
      effect: {
        kind: "ok-but-nothing-done",
        body: { deployments: [{ message: "already queued", resource_uuid: "x", deployment_uuid: "made-up" }] },
      },
    });
    const { uuid, lines } = await platform.apply(spec);
    assert.ok(lines.some((line) => /deployment that does not exist/.test(line)));
    assert.equal((await platform.deployments(uuid)).length, 1);
    await answersAs(spec, "release-1");
  });

  it("removes a variable that is no longer declared together with its preview twin, and deploys without it", async () => {
    const spec = platform.spec({ name: "fewer", image: one, variables: { OLD: "1" } });
    const { uuid } = await platform.apply(spec);
    assert.equal((await rowsOf(uuid)).filter(({ key }) => key === "OLD").length, 2);
    await platform.apply(platform.spec({ name: "fewer", image: one }));
    assert.deepEqual(
      (await rowsOf(uuid)).filter(({ key }) => key === "OLD"),
      [],
    );
    const [container] = await platform.workshop.containers(uuid);
    assert.ok(!container?.Config.Env.some((entry) => entry.startsWith("OLD=")));
  });

  it("corrects labels that somebody edited, and those that Coolify regenerated in plain lines", async () => {
    const spec = platform.spec({ name: "edited", image: one });
    const { uuid } = await platform.apply(spec);
    const own = labelsOf(await applicationOf(uuid));
    await patch(uuid, { custom_labels: encodeLabels(["traefik.enable=true"]) });
    await platform.apply(spec);
    assert.deepEqual(labelsOf(await applicationOf(uuid)), own);
    await patch(uuid, { is_gzip_enabled: true });
    assert.notDeepEqual(labelsOf(await applicationOf(uuid)), own);
    await platform.apply(spec);
    assert.deepEqual(labelsOf(await applicationOf(uuid)), own);
    await answersAs(spec, "release-1");
  });

  it("takes back what would make Coolify stop the old container first, and refuses a fixed address", async () => {
    const spec = platform.spec({ name: "fixed", image: one });
    const { uuid } = await platform.apply(spec);
    await patch(uuid, { ports_mappings: "18080:3000", is_consistent_container_name_enabled: true });
    await platform.apply(spec);
    const seen = await applicationOf(uuid);
    assert.deepEqual([seen.ports_mappings, seen.settings?.is_consistent_container_name_enabled], [null, false]);
    assert.equal((await platform.apply(spec)).uuid, uuid);
    assert.equal((await platform.deployments(uuid)).length, 2);
    await patch(uuid, { custom_docker_run_options: "--ip 10.0.0.9" });
    const next = platform.spec({ name: "fixed", image: two, ...stamp("release-2") });
    const error = await failure(platform.apply(next));
    assert.equal(error.kind, "refused");
    assert.match(error.message, /--ip anywhere in them[^]*Now: nothing was changed/);
    await answersAs(spec, "release-1");
  });

  it("refuses two applications of its name before anything is touched", async () => {
    const spec = platform.spec({ name: "double", image: one });
    for (const name of ["double", "double"]) {
      await platform.workshop.coolify.expect(201, "POST", "/applications/dockerimage", {
        ...platform.workshop.place,
        ...{ name, docker_registry_image_name: "x/y", ports_exposes: "1", autogenerate_domain: false },
      });
    }
    const error = await failure(platform.apply(spec));
    assert.equal(error.kind, "refused");
    assert.match(error.message, /double exists 2 times/);
    assert.equal(await platform.ledger(spec).newest(), null);
  });

  it("names all secret variables that were not given at once, and asks Coolify nothing", async () => {
    const spec = platform.spec({ name: "missing", image: one, secretVariables: ["JWT_SECRET", "A_KEY", "B_KEY"] });
    const start = platform.traffic.requests.length;
    const error = await failure(platform.apply(spec));
    assert.deepEqual([error.kind, platform.traffic.requests.length], ["usage", start]);
    assert.match(error.message, /not given: A_KEY, B_KEY\. Set VARIABLE_A_KEY, VARIABLE_B_KEY/);
  });

  it("refuses values that Coolify would break, all at once and without showing them", async () => {
    const variables = {
      QUOTED: "it's",
      PADDED: " x",
      SLASHED: "C:\\",
      "1ST": "x",
      TEMPLATE: '{"price":"$5"}',
      FINE: '{"a":"b"}',
    };
    const spec = platform.spec({ name: "broken", image: one, variables });
    const start = platform.traffic.requests.length;
    const error = await failure(platform.apply(spec));
    assert.deepEqual([error.kind, platform.traffic.requests.length], ["usage", start]);
    for (const name of ["QUOTED", "PADDED", "SLASHED", "1ST", "TEMPLATE"])
      assert.match(error.message, new RegExp(`${name} `));
    assert.doesNotMatch(error.message, /FINE|it's|\$5/);
  });

  it("retires what carries its own mark, and leaves alone what another resource took over by the same name", async () => {
    const spec = platform.spec({ name: "renamed", image: one });
    const { uuid } = await platform.apply(spec);
    const renamed = { ...spec, owner: "another" };
    await platform.apply(renamed);
    assert.equal((await platform.deployments(uuid)).length, 1, "a new owner is no new release");
    const context = recorded(platform.env);
    assert.deepEqual(await retireApplication.run(spec, context), { retired: [] });
    assert.ok(context.lines.some((line) => /belongs to another and is left alone/.test(line)));
    await answersAs(spec, "release-1");
    assert.deepEqual(await retireApplication.run(renamed, recorded(platform.env)), { retired: ["renamed"] });
    assert.match((await applicationOf(uuid)).status ?? "", /^exited/);
    await platform.apply(renamed);
    await answersAs(spec, "release-1");
  });
});
