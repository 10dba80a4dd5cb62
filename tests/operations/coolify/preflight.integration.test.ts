import assert from "node:assert/strict";
import { execa } from "execa";
import { admit } from "../../../operations/coolify/admission.ts";
import { Application } from "../../../operations/coolify/answers.ts";
import { CoolifyClient } from "../../../operations/coolify/client.ts";
import { ownerMark } from "../../../operations/coolify/plan.ts";
import { preflight, type Intent } from "../../../operations/coolify/preflight.ts";
import { applyProject } from "../../../operations/coolify/project.ts";
import { exitCodes } from "../../../operations/error.ts";
import type { Fields, Json } from "../../../sandbox/coolify/json.ts";
import type { Token } from "../../../sandbox/coolify/server.ts";
import { addApplication, fieldsIn, openPlace, openPlayground, type Playground } from "../../sandbox/coolify/fixture.ts";
import { applicationSpec } from "./application-spec.ts";
import { recorded } from "./context.ts";
import { recordRequests, type RecordingProxy } from "../../../sandbox/coolify/recording-proxy.ts";

const tokens: Token[] = [
  { token: "1|root", abilities: ["root"], teamId: 0 },
  { token: "2|reader", abilities: ["read"], teamId: 0 },
  { token: "3|nearly", abilities: ["read", "read:sensitive", "write", "deploy"], teamId: 0 },
  { token: "4|member", abilities: ["write"], teamId: 0, role: "member" },
  { token: "5|elsewhere", abilities: ["root"], teamId: 7 },
];
const owner = "affexai/production/project";

describe("the preflight", () => {
  let coolify: Playground;
  let traffic: RecordingProxy;
  let place: Fields;
  before(async () => {
    coolify = await openPlayground({ tokens });
    traffic = await recordRequests(coolify.url);
    place = await openPlace(coolify);
  });
  afterEach(() => fetch(`${coolify.url}/_sandbox/faults`, { method: "DELETE" }));
  after(async () => {
    await traffic.close();
    await coolify.close();
  });

  const contextOf = (token: string, url = traffic.url) => recorded({ COOLIFY_URL: url, COOLIFY_TOKEN: token });
  const client = (token = "1|root", url?: string) => new CoolifyClient(contextOf(token, url));
  /** What was found, as `what: seen`, of one state. */
  const found = async (state: string, intent: Intent = {}, token?: string, url?: string) =>
    (await preflight(client(token, url), intent)).checks
      .filter((check) => check.state === state)
      .map(({ what, seen }) => `${what}: ${seen}`);
  const problems = (intent?: Intent, token?: string, url?: string) => found("problem", intent, token, url);
  const respond = async (path: string, body: Json) => {
    const fault = { match: { method: "GET", path }, effect: { kind: "respond", status: 200, body } };
    await fetch(`${coolify.url}/_sandbox/faults`, { method: "POST", body: JSON.stringify(fault) });
  };
  /** Everything that the instance holds, comparable between two moments. */
  const everything = async () => [
    (await coolify.ask("GET", "/projects")).json,
    (await coolify.ask("GET", "/resources")).json,
    (await coolify.ask("GET", `/servers/${place.server_uuid as string}/registries`)).json,
  ];

  it("finds nothing wrong where nothing is, and changes nothing", async () => {
    const before = await everything();
    const routing = {
      ...{ owner, place: { project: "shop", environment: "production" } },
      applications: [{ name: "backend", hosts: ["api.affexai.com"] }],
    };
    const { checks, target } = await preflight(client(), { server: "localhost", team: "Root Team", routing });
    assert.deepEqual(
      checks.map(({ what, state, seen }) => `${what}: ${state}, ${seen}`),
      [
        "Coolify: ok, version 4.4.7, the API is on",
        "token: ok, may read, read:sensitive, write, deploy",
        "team: ok, Root Team (0)",
        "server localhost: ok, reachable and usable",
        "proxy of server localhost: ok, traefik, running",
        "destination on server localhost: ok, coolify",
        "names: ok, backend: free in production, or ours",
        "hosts: ok, api.affexai.com: no other application of the team is routed by them",
      ],
    );
    assert.deepEqual(target, { serverUuid: place.server_uuid });
    assert.deepEqual(await everything(), before);
  });

  it("names every ability that a token lacks at once", async () => {
    assert.deepEqual(await problems({}, "2|reader"), ["token: lacks read:sensitive, write, deploy"]);
  });

  it("asks for the ability delete from 4.6 on, and not before", async () => {
    assert.deepEqual(await problems({}, "3|nearly"), []);
    const newer = await openPlayground({ tokens, version: "4.6.0" });
    try {
      assert.deepEqual(await problems({}, "3|nearly", newer.url), ["token: lacks delete"]);
    } finally {
      await newer.close();
    }
  });

  it("says that a token is unknown, a member's, or of another team, and asks no further with it", async () => {
    const start = traffic.requests.length;
    assert.deepEqual(await problems({}, "9|nobody"), ["Coolify: answered 401: Unauthenticated"]);
    assert.deepEqual(await problems({}, "4|member"), ["Coolify: answered 403: Missing required team role"]);
    assert.equal(traffic.requests.length - start, 2);
    assert.deepEqual(await problems({ team: "delivery", server: "localhost" }, "5|elsewhere"), [
      "team: the token acts in Team 7 (7) instead of delivery",
      "server localhost: was not found among no servers",
    ]);
  });

  it("says that the API is off", async () => {
    await coolify.expect(200, "POST", "/disable");
    try {
      const { checks } = await preflight(client(), {});
      assert.deepEqual(checks, [
        {
          what: "Coolify",
          state: "problem",
          seen: "answered 403: API is disabled",
          next: "Turn on API access in Coolify under Settings, Configuration, Advanced, then run again.",
        },
      ]);
    } finally {
      await coolify.expect(200, "POST", "/enable");
    }
  });

  it("finds a server with Caddy, one that is not reachable, and one with two destinations", async () => {
    const caddy = await openPlayground({ proxy: "caddy" });
    try {
      assert.deepEqual(await problems({ server: "localhost" }, "1|root", caddy.url), [
        "proxy of server localhost: is caddy",
      ]);
    } finally {
      await caddy.close();
    }
    const uuid = place.server_uuid as string;
    await respond("/servers$", [{ uuid, name: "localhost", settings: { is_reachable: false, is_usable: false } }]);
    await respond("/proxy$", { proxy_type: "TRAEFIK", status: "exited", configuration: null });
    await respond("/destinations$", [
      { uuid: "d1", name: "coolify", network: "coolify" },
      { uuid: "d2", name: "second", network: "second-net" },
    ]);
    assert.deepEqual(await problems({ server: "localhost" }), [
      "server localhost: is not reachable from Coolify",
      "proxy of server localhost: is traefik, and exited",
      "destination on server localhost: coolify and second (second-net) are there",
    ]);
    await respond("/destinations$", [
      { uuid: "d1", name: "coolify", network: "coolify" },
      { uuid: "d2", name: "second", network: "second-net" },
    ]);
    const { target } = await preflight(client(), { server: "localhost", destination: "second-net" });
    assert.deepEqual(target, { serverUuid: uuid, destinationUuid: "d2" });
  });

  it("finds a registry without a login, and says where that cannot be known", async () => {
    const intent = { server: "localhost", registry: "ghcr.io" };
    assert.deepEqual(await problems(intent), ["registry ghcr.io: the server is not logged in"]);
    const older = await openPlayground({ version: "4.3.11" });
    try {
      assert.deepEqual(await problems(intent, "1|root", older.url), []);
      assert.deepEqual(await found("unknown", intent, "1|root", older.url), [
        "registry ghcr.io: Coolify 4.3.11 does not tell a server's registry logins",
      ]);
    } finally {
      await older.close();
    }
  });

  it("refuses all problems of a project at once, before anything is made", async () => {
    const before = await everything();
    const other = await addApplication(coolify, place, { name: "shop", domains: "https://api.affexai.com" });
    const spec = {
      ...{ owner, name: "affexai", environment: "production", server: "localhost", team: "delivery" },
      applications: [{ name: "backend", hosts: ["api.affexai.com"] }],
    };
    await assert.rejects(applyProject.run(spec, contextOf("2|reader")), (error: Error) => {
      assert.match(error.message, /^Coolify, before anything was changed: 3 problems:/);
      assert.match(error.message, /token: lacks read:sensitive, write, deploy\. Make a token with/);
      assert.match(error.message, /team: the token acts in Root Team \(0\) instead of delivery\. Switch/);
      assert.match(
        error.message,
        new RegExp(`hosts: api\\.affexai\\.com is routed to the application shop \\(${other}\\)`),
      );
      return true;
    });
    await coolify.expect(200, "DELETE", `/applications/${other}`);
    assert.deepEqual((await everything())[0], before[0]);
  });

  it("stops an application before anything of it is made: a host in use, and a name of somebody else's", async () => {
    const theirs = { description: ownerMark({ owner: "shop/production/backend", revision: null, serves: null }) };
    await addApplication(coolify, place, { name: "backend", ...theirs });
    const holder = await addApplication(coolify, place, { name: "old-api", domains: "https://api2.affexai.com" });
    const listed = fieldsIn((await coolify.ask("GET", "/applications")).json).map((one) => Application.parse(one));
    const mine = { owner: "affexai/production/backend" };
    await assert.rejects(admit(client(), applicationSpec(mine), listed), {
      kind: "refused",
      message: /backend \(\w+\) is managed by shop\/production\/backend/,
    });
    await assert.rejects(admit(client(), applicationSpec({ ...mine, name: "api", hosts: ["api2.affexai.com"] }), []), {
      kind: "refused",
      message: new RegExp(`api2\\.affexai\\.com is routed to the application old-api \\(${holder}\\)`),
    });
    const start = traffic.requests.length;
    await admit(client(), applicationSpec({ ...mine, name: "old-api", hosts: ["api2.affexai.com"] }), listed);
    assert.equal(traffic.requests.length, start, "what is routed already costs no request");
  });

  describe("affexai doctor", () => {
    const doctor = (args: string[], env: Record<string, string>) =>
      execa(process.execPath, ["operations/cli.ts", "doctor", ...args], { env: { CI: "1", ...env }, reject: false });

    it("prints a table, and ends as ok, refused or unreachable", async () => {
      const sound = await doctor([], { COOLIFY_URL: coolify.url, COOLIFY_TOKEN: "1|root" });
      assert.equal(sound.exitCode, exitCodes.ok, sound.stderr);
      assert.match(sound.stdout, /^WHAT +STATE +SEEN\nCoolify +ok +version 4\.4\.7, the API is on\n/);
      const reader = await doctor(["--json"], { COOLIFY_URL: coolify.url, COOLIFY_TOKEN: "2|reader" });
      assert.equal(reader.exitCode, exitCodes.refused);
      const { checks } = JSON.parse(reader.stdout) as { checks: { what: string; state: string }[] };
      assert.deepEqual(
        checks.filter(({ state }) => state === "problem").map(({ what }) => what),
        ["token"],
      );
      assert.match(reader.stderr, /Coolify: one problem: token\./);
      const nobody = await doctor([], { COOLIFY_URL: "http://127.0.0.1:1", COOLIFY_TOKEN: "1|root" });
      assert.equal(nobody.exitCode, exitCodes.unreachable, nobody.stderr);
    });
  });
});
