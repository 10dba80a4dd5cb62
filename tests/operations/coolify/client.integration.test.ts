import assert from "node:assert/strict";
import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { z } from "zod";
import { CoolifyClient, CoolifyError } from "../../../operations/coolify/client.ts";
import { OperationError } from "../../../operations/error.ts";
import type { Token } from "../../../sandbox/coolify/server.ts";
import { addApplication, openPlayground, openPlace, until, type Playground } from "../../sandbox/coolify/fixture.ts";
import { recorded } from "./context.ts";
import { recordRequests, type RecordingProxy } from "../../../sandbox/coolify/recording-proxy.ts";

const tokens: Token[] = [
  { token: "1|root", abilities: ["root"], teamId: 0 },
  { token: "2|read-token-of-the-tests", abilities: ["read"], teamId: 0 },
  // What is paused or refused by one token is so for all runs with it: these tests have their own.
  { token: "4|pausing", abilities: ["root"], teamId: 0, user: 4 },
  { token: "5|refused", abilities: ["root"], teamId: 0, user: 5 },
  { token: "6|queueing", abilities: ["root"], teamId: 0, user: 6 },
];

describe("the client of Coolify's API", () => {
  let coolify: Playground;
  let traffic: RecordingProxy;
  before(async () => {
    coolify = await openPlayground({ tokens });
    traffic = await recordRequests(coolify.url);
  });
  afterEach(() => fetch(`${coolify.url}/_sandbox/faults`, { method: "DELETE" }));
  after(async () => {
    await traffic.close();
    await coolify.close();
  });

  const contextOf = (env: Record<string, string | undefined> = {}) =>
    recorded({ COOLIFY_URL: traffic.url, COOLIFY_TOKEN: "1|root", ...env });
  const client = (env: Record<string, string | undefined> = {}) => new CoolifyClient(contextOf(env));
  const inject = async (fault: unknown) => {
    const answer = await fetch(`${coolify.url}/_sandbox/faults`, { method: "POST", body: JSON.stringify(fault) });
    assert.equal(answer.status, 201, await answer.text());
  };
  const respond = (path: string, status: number, body: unknown, more: object = {}) =>
    inject({ match: { path }, effect: { kind: "respond", status, body }, ...more });
  const post = (body: Record<string, unknown>) => ({ method: "POST", path: "/projects", body }) as const;

  /** The error of a refused request; no message may hold a token. */
  async function refused(work: Promise<unknown>): Promise<OperationError> {
    const error: unknown = await work.then(
      () => assert.fail("it passed"),
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof OperationError, String(error));
    assert.doesNotMatch(`${error.message} ${error.stack ?? ""}`, /1\|root|token-of-the-tests|no-such-token/);
    return error;
  }
  /** How many requests reached the way to Coolify while `work` ran. */
  async function sent(work: () => Promise<unknown>): Promise<number> {
    const start = traffic.requests.length;
    await work();
    return traffic.requests.length - start;
  }

  it("names both variables when both are missing, and one when one is", () => {
    assert.throws(() => client({ COOLIFY_URL: "", COOLIFY_TOKEN: undefined }), {
      kind: "usage",
      message: /^COOLIFY_URL and COOLIFY_TOKEN: must be set\./,
    });
    assert.throws(() => client({ COOLIFY_TOKEN: "" }), /^OperationError: COOLIFY_TOKEN: must be set/);
  });

  it("says that the token is not valid (401)", async () => {
    const error = await refused(client({ COOLIFY_TOKEN: "3|no-such-token" }).get("/projects", z.unknown()));
    assert.equal(error.kind, "refused");
    assert.match(error.message, /GET \/projects: answered 401: Unauthenticated\. Set COOLIFY_TOKEN to a valid token/);
  });

  it("says which abilities a token needs (403)", async () => {
    const reader = client({ COOLIFY_TOKEN: "2|read-token-of-the-tests" });
    const error = await refused(reader.send(post({ name: "forbidden" }), z.unknown()));
    assert.equal(error.kind, "refused");
    assert.match(error.message, /answered 403: .*write\. Make a token that has write in Coolify under Keys & Tokens/);
  });

  it("tells a resource that is gone from a route that this version does not have (404)", async () => {
    assert.equal(await client().find("/projects/gone", z.unknown()), null);
    const gone = await refused(client().get("/projects/gone", z.unknown()));
    assert.ok(gone instanceof CoolifyError && !gone.unknownRoute);
    assert.match(gone.message, /It is gone, or belongs to another team/);
    const route = await refused(client().find("/no-such-route", z.unknown()));
    assert.ok(route instanceof CoolifyError && route.unknownRoute);
    assert.match(route.message, /upgrade it to 4\.4\.7 or newer/);
  });

  it("says that a name is taken (409)", async () => {
    const place = await openPlace(coolify);
    const path = `/projects/${place.project_uuid as string}/environments`;
    const error = await refused(client().send({ method: "POST", path, body: { name: "production" } }, z.unknown()));
    assert.ok(error instanceof CoolifyError && error.status === 409);
    assert.match(error.message, /Something else holds this name/);
  });

  it("names the fields of a 422, whether Coolify gives texts, lists, or a bare list", async () => {
    const list = await refused(client().send(post({ name: "x", color: "red" }), z.unknown()));
    assert.match(list.message, /answered 422: .*color: This field is not allowed/);
    await respond("/projects$", 422, {
      message: "Validation failed.",
      errors: { custom_labels: "The custom_labels should be base64 encoded." },
    });
    const text = await refused(client().send(post({ name: "text" }), z.unknown()));
    assert.match(
      text.message,
      /Validation failed\.; custom_labels: The custom_labels should be base64 encoded\. Correct/,
    );
    await respond("/projects$", 422, { message: "Validation failed.", errors: ["no_such_field", "nor_this"] });
    const bare = await refused(client().send(post({ name: "bare" }), z.unknown()));
    assert.match(bare.message, /Validation failed\.; no_such_field; nor_this\. Correct the named fields/);
  });

  it("waits as long as Retry-After says, and then sends again, also what changes something (429)", async () => {
    await inject({
      match: { method: "POST", path: "/projects$" },
      effect: {
        kind: "respond",
        status: 429,
        body: { message: "Too Many Attempts." },
        headers: { "Retry-After": "1" },
      },
    });
    const context = contextOf();
    const started = performance.now();
    assert.equal(await sent(() => new CoolifyClient(context).send(post({ name: "patient" }), z.unknown())), 2);
    assert.ok(performance.now() - started >= 1000);
    assert.deepEqual(context.lines, ["Coolify asks to wait 1 s (rate limit)"]);
  });

  it("gives up at once when it would have to wait longer than the limit, and when it is told to stop", async () => {
    const throttled = (seconds: string) =>
      inject({
        match: { path: "/projects$" },
        effect: {
          kind: "respond",
          status: 429,
          body: { message: "Too Many Attempts." },
          headers: { "Retry-After": seconds },
        },
      });
    await throttled("3600");
    const error = await refused(client().get("/projects", z.unknown()));
    assert.match(error.message, /answered 429: Too Many Attempts\. Wait a minute and run again/);
    await throttled("60");
    const stopping = new AbortController();
    const context = recorded(contextOf({ COOLIFY_TOKEN: "4|pausing" }).env, stopping.signal);
    const progress = { ...context.progress, note: () => stopping.abort() };
    await assert.rejects(new CoolifyClient({ ...context, progress }).get("/projects", z.unknown()), {
      name: "AbortError",
    });
  });

  it("does not wait for the server when it is prompt", async () => {
    const effect = {
      ...{ kind: "respond", status: 429, headers: { "Retry-After": "1" } },
      body: { message: "Too Many Attempts." },
    };
    await inject({ match: { path: "/projects$" }, effect });
    const asked = () => new CoolifyClient(contextOf(), { prompt: true }).get("/projects", z.unknown());
    assert.match((await refused(asked())).message, /answered 429: Too Many Attempts\. Wait a minute and run again/);
    assert.ok(Array.isArray(await asked()));
  });

  it("waits for a place in a full deployment queue without keeping others from asking", async () => {
    const effect = {
      ...{ kind: "respond", status: 429, headers: { "Retry-After": "1" } },
      body: { message: "Deployment queue is full. Please wait for existing deployments to complete." },
    };
    await inject({ match: { method: "POST", path: "/deploy$" }, effect });
    const context = contextOf({ COOLIFY_TOKEN: "6|queueing" });
    const deploying = new CoolifyClient(context).probe({ method: "POST", path: "/deploy", body: { uuid: "nobody" } });
    await until("the note", async () => context.lines.length > 0);
    const started = performance.now();
    await client({ COOLIFY_TOKEN: "6|queueing" }).get("/projects", z.unknown());
    assert.ok(performance.now() - started < 900);
    assert.equal((await deploying)?.status, 404);
    assert.deepEqual(context.lines, ["The deployment queue of the server is full; asking again in 1 s"]);
  });

  it("asks nothing more once its token was refused, and stops the runs that began before", async () => {
    const env = { COOLIFY_TOKEN: "5|refused" };
    const [first, sibling] = [client(env), client(env)];
    await respond("/projects$", 401, { message: "Unauthenticated." });
    const refusal = await refused(first.get("/projects", z.unknown()));
    assert.equal(await sent(async () => assert.equal(await refused(first.get("/servers", z.unknown())), refusal)), 0);
    let other: OperationError | undefined;
    assert.equal(await sent(async () => (other = await refused(sibling.get("/servers", z.unknown())))), 0);
    assert.equal(other?.kind, "refused");
    assert.match(
      other?.message ?? "",
      /is not asked any more: \d s ago it answered 401 to another run with this token/,
    );
    await until("a later millisecond", async () =>
      client(env)
        .get("/servers", z.unknown())
        .then(() => true),
    );
  });

  it("reports an error of Coolify's own once, without repeating the request (500)", async () => {
    await respond("/projects$", 500, { message: "Server Error" });
    let error: OperationError | undefined;
    assert.equal(await sent(async () => (error = await refused(client().get("/projects", z.unknown())))), 1);
    assert.match(error?.message ?? "", /answered 500: Server Error\. Look at Coolify's own log/);
  });

  it("reads again when the connection breaks or a gateway answers for Coolify", async () => {
    await inject({ match: { method: "GET", path: "/projects$" }, effect: { kind: "drop" }, times: 2 });
    assert.equal(await sent(() => client().get("/projects", z.unknown())), 3);
    await respond("/projects$", 502, "Bad Gateway", { times: 1 });
    assert.equal(await sent(() => client().get("/projects", z.unknown())), 2);
  });

  it("sends again what writes the same fields, and takes a variable that is gone for deleted", async () => {
    const uuid = await addApplication(coolify, await openPlace(coolify));
    const path = `/applications/${uuid}`;
    await inject({ match: { method: "PATCH", path: `${uuid}$` }, effect: { kind: "drop" }, after: true });
    const patch = { method: "PATCH", path, body: { description: "twice" } } as const;
    assert.equal(await sent(() => client().send(patch, z.unknown())), 2);
    const { uuid: row } = await coolify.expect(201, "POST", `${path}/envs`, { key: "A", value: "1" });
    await inject({ match: { method: "DELETE", path: "/envs/" }, effect: { kind: "drop" }, after: true });
    assert.equal(
      await sent(() => client().send({ method: "DELETE", path: `${path}/envs/${row as string}` }, z.unknown())),
      2,
    );
  });

  it("never sends a POST twice when the connection breaks: it may have been carried out", async () => {
    await inject({ match: { method: "POST", path: "/projects$" }, effect: { kind: "drop" }, after: true });
    let error: OperationError | undefined;
    const work = async () => (error = await refused(client().send(post({ name: "only once" }), z.unknown())));
    assert.equal(await sent(work), 1);
    assert.equal(error?.kind, "unreachable");
    const projects = await client().get("/projects", z.array(z.object({ name: z.string() })));
    assert.equal(projects.filter(({ name }) => name === "only once").length, 1);
  });

  it("calls a host that does not answer unreachable, with the reason and what to check", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    server.close();
    const nowhere = client({ COOLIFY_URL: `http://127.0.0.1:${port}/` });
    const error = await refused(nowhere.send(post({ name: "nowhere" }), z.unknown()));
    assert.equal(error.kind, "unreachable");
    assert.match(
      error.message,
      /gave no answer at http:\/\/127\.0\.0\.1:\d+\/api\/v1 \(.*ECONNREFUSED.*\)\. Check COOLIFY_URL/,
    );
  });

  it("refuses a server below 4.3.0, and asks for the version once, whichever process asks", async () => {
    assert.equal(await sent(async () => [await client().version(), await client().version()]), 1);
    assert.deepEqual(await client().version(), [4, 4, 7]);
    const old = await openPlayground({ version: "4.2.9" });
    try {
      const error = await refused(client({ COOLIFY_URL: old.url }).version());
      assert.equal(error.kind, "refused");
      assert.match(error.message, /is version 4\.2\.9, below 4\.3\.0\. Upgrade Coolify/);
      await old.restart({ version: "4.3.11" });
      const context = contextOf({ COOLIFY_URL: old.url });
      assert.deepEqual(await new CoolifyClient(context).version(), [4, 3, 11]);
      assert.match(context.lines.join(), /Coolify is version 4\.3\.11; 4\.4\.7 or newer is recommended/);
    } finally {
      await old.close();
    }
  });

  it("says what was expected when an answer has another shape", async () => {
    await inject({ match: { path: "/projects$" }, effect: { kind: "ok-but-nothing-done", body: { projects: 1 } } });
    const error = await refused(client().get("/projects", z.array(z.object({ name: z.string() }))));
    assert.match(error.message, /answered in an unexpected shape:[^]*expected array/);
  });
});
