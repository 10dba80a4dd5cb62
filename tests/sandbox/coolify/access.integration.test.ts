import assert from "node:assert/strict";
import type { Token } from "../../../sandbox/coolify/server.ts";
import { addApplication, openPlace, openPlayground, rootToken, type Playground } from "./fixture.ts";

const tokens: Token[] = [
  rootToken,
  { token: "2|reader", abilities: ["read"], teamId: 0 },
  { token: "3|sensitive", abilities: ["read:sensitive"], teamId: 0 },
  { token: "4|writer", abilities: ["read", "write"], teamId: 0 },
  { token: "5|deployer", abilities: ["deploy"], teamId: 0 },
  { token: "6|other", abilities: ["root"], teamId: 7, user: 6 },
  { token: "7|member", abilities: ["read"], teamId: 0, user: 7, role: "member" },
  { token: "8|climber", abilities: ["read", "write"], teamId: 0, user: 7, role: "member" },
  { token: "9|deleter", abilities: ["delete"], teamId: 0 },
];

describe("access to Coolify's API", () => {
  let coolify: Playground;
  before(async () => {
    coolify = await openPlayground({ tokens });
  });
  after(() => coolify.close());

  const status = async (token: string | null, method: string, route: string) =>
    (await coolify.ask(method, route, undefined, { token })).status;

  it("answers health without a token, as plain text", async () => {
    for (const route of ["/api/health", "/api/v1/health"]) {
      const answer = await coolify.ask("GET", route, undefined, { token: null });
      assert.deepEqual([answer.status, answer.text], [200, "OK"]);
    }
  });

  it("tells its version as plain text", async () => {
    assert.equal((await coolify.ask("GET", "/version")).text, "4.4.7");
  });

  it("refuses a missing, an unknown and a cut token with 401", async () => {
    for (const token of [null, "1|wrong", "root"]) {
      const answer = await coolify.ask("GET", "/projects", undefined, { token });
      assert.deepEqual([answer.status, answer.json], [401, { message: "Unauthenticated." }]);
    }
  });

  it("needs the ability of the route, and names it", async () => {
    assert.equal(await status("2|reader", "GET", "/projects"), 200);
    assert.equal(await status("3|sensitive", "GET", "/projects"), 200);
    const answer = await coolify.ask("POST", "/projects", { name: "shop" }, { token: "2|reader" });
    assert.deepEqual([answer.status, answer.json], [403, { message: "Missing required permissions: write" }]);
  });

  it("does not let a deploy-only token read deployments", async () => {
    assert.equal(await status("5|deployer", "GET", "/deployments"), 403);
    assert.equal(await status("5|deployer", "POST", "/deploy"), 400);
  });

  it("lets members read only, and refuses a token that could do more", async () => {
    assert.equal(await status("7|member", "GET", "/projects"), 200);
    const answer = await coolify.ask("GET", "/projects", undefined, { token: "8|climber" });
    assert.deepEqual([answer.status, answer.json], [403, { message: "Missing required team role." }]);
  });

  it("hides what belongs to another team behind 404", async () => {
    const place = await openPlace(coolify);
    const uuid = await addApplication(coolify, place);
    for (const route of [
      `/projects/${place.project_uuid as string}`,
      `/applications/${uuid}`,
      `/servers/${place.server_uuid as string}`,
    ]) {
      assert.equal(await status("6|other", "GET", route), 404, route);
    }
    assert.deepEqual((await coolify.ask("GET", "/applications", undefined, { token: "6|other" })).json, []);
  });

  it("answers an unknown route with 404 and docs, with or without a token", async () => {
    for (const token of ["1|root", null]) {
      const answer = await coolify.ask("GET", "/nothing/here", undefined, { token });
      assert.deepEqual([answer.status, answer.json], [404, { message: "Not found.", docs: "https://coolify.io/docs" }]);
    }
  });

  it("refuses bodies that are not JSON, broken or empty", async () => {
    const cases: [string, string, string][] = [
      ["name=shop", "application/x-www-form-urlencoded", "Content-Type must be application/json."],
      ["{", "application/json", "Invalid JSON."],
      ["[]", "application/json", "Invalid JSON."],
      ["{}", "application/json", "Empty JSON."],
    ];
    for (const [body, contentType, error] of cases) {
      const answer = await coolify.ask("POST", "/projects", body, { contentType });
      assert.deepEqual([answer.status, answer.json], [400, { message: "Invalid request.", error }]);
    }
  });

  it("turns the API off for everything but health and the switch, with success: true in the refusal", async () => {
    assert.deepEqual((await coolify.ask("POST", "/disable")).json, { message: "API disabled." });
    const answer = await coolify.ask("GET", "/projects");
    assert.deepEqual([answer.status, answer.json], [403, { success: true, message: "API is disabled." }]);
    assert.equal(await status(null, "GET", "/api/v1/health"), 200);
    assert.equal(await status("6|other", "POST", "/enable"), 403);
    assert.deepEqual((await coolify.ask("POST", "/enable")).json, { message: "API enabled." });
    assert.equal(await status("1|root", "GET", "/projects"), 200);
  });

  it("asks for POST where GET was allowed before 4.2", async () => {
    for (const route of [
      "/deploy?uuid=x",
      "/enable",
      "/applications/x/start",
      "/databases/x/stop",
      "/servers/x/validate",
    ]) {
      const answer = await coolify.ask("GET", route);
      assert.deepEqual([answer.status, answer.headers.get("allow")], [405, "POST"], route);
      assert.deepEqual(answer.json, { message: "This endpoint has changed to a POST request." });
    }
  });
});

describe("the version that Coolify plays", () => {
  const withVersion = async (version: string, look: (coolify: Playground) => Promise<void>) => {
    const coolify = await openPlayground({ version, tokens });
    await look(coolify).finally(() => coolify.close());
  };

  it("takes GET for deployments up to 4.1", async () => {
    await withVersion("4.1.3", async (coolify) => {
      assert.equal((await coolify.ask("GET", "/deploy?uuid=x")).status, 404);
      assert.equal((await coolify.ask("POST", "/deploy?uuid=x")).status, 404);
      assert.equal((await coolify.ask("POST", "/enable")).status, 404);
      assert.equal((await coolify.ask("GET", "/enable")).status, 200);
    });
  });

  it("has no S3 storages, tags or rollback before 4.3", async () => {
    await withVersion("4.2.1", async (coolify) => {
      for (const route of ["/s3-storages", "/tags", "/applications/x/rollback-images"]) {
        const { docs } = await coolify.expect(404, "GET", route);
        assert.equal(docs, "https://coolify.io/docs", route);
      }
    });
  });

  it("refuses fields of 4.3 and 4.4 before those versions", async () => {
    for (const [version, field] of [
      ["4.2.1", "max_restart_count"],
      ["4.3.24", "custom_container_name_prefix"],
    ] as const) {
      await withVersion(version, async (coolify) => {
        const uuid = await addApplication(coolify, await openPlace(coolify));
        const { errors } = await coolify.expect(422, "PATCH", `/applications/${uuid}`, {
          [field]: version === "4.2.1" ? 0 : "x",
        });
        assert.deepEqual(errors, { [field]: ["This field is not allowed."] });
      });
    }
  });

  it("has no registry logins before 4.4", async () => {
    await withVersion("4.3.24", async (coolify) => {
      const { server_uuid } = await openPlace(coolify);
      const { docs } = await coolify.expect(404, "GET", `/servers/${server_uuid as string}/registries`);
      assert.equal(docs, "https://coolify.io/docs");
    });
  });

  it("gives logs to readers up to 4.3, and only to read:sensitive from 4.4", async () => {
    for (const [version, status] of [
      ["4.3.24", 400],
      ["4.4.7", 403],
    ] as const) {
      await withVersion(version, async (coolify) => {
        const uuid = await addApplication(coolify, await openPlace(coolify));
        const answer = await coolify.ask("GET", `/applications/${uuid}/logs`, undefined, { token: "2|reader" });
        // Nothing answers for the engine here, so a request that is let through fails later.
        assert.equal(answer.status === 403 ? 403 : 400, status);
      });
    }
  });

  it("wants the delete ability for every DELETE from 4.6", async () => {
    await withVersion("4.5.2", async (coolify) => {
      const { project_uuid } = await openPlace(coolify);
      assert.equal(
        (await coolify.ask("DELETE", `/projects/${project_uuid as string}`, undefined, { token: "4|writer" })).status,
        200,
      );
    });
    await withVersion("4.6.0", async (coolify) => {
      const route = `/projects/${(await openPlace(coolify)).project_uuid as string}`;
      const refused = await coolify.ask("DELETE", route, undefined, { token: "4|writer" });
      assert.deepEqual([refused.status, refused.json], [403, { message: "Missing required permissions: delete" }]);
      assert.equal((await coolify.ask("DELETE", route, undefined, { token: "9|deleter" })).status, 200);
    });
  });

  it("is refused when it is not one that can be played", async () => {
    await assert.rejects(openPlayground({ version: "five" }), /expected 4.x or 4.x.y, got five/);
  });
});

describe("Coolify's limits", () => {
  it("lets all tokens of a user share one budget, and says how much is left", async () => {
    const coolify = await openPlayground({ tokens, rateLimitPerMinute: 3 });
    try {
      const first = await coolify.ask("GET", "/projects");
      assert.deepEqual(
        [first.headers.get("x-ratelimit-limit"), first.headers.get("x-ratelimit-remaining")],
        ["3", "2"],
      );
      await coolify.ask("GET", "/projects", undefined, { token: "2|reader" });
      await coolify.ask("GET", "/projects", undefined, { token: "2|reader" });
      const refused = await coolify.ask("GET", "/projects");
      assert.deepEqual([refused.status, refused.json], [429, { message: "Too Many Attempts." }]);
      assert.equal(refused.headers.get("x-ratelimit-remaining"), "0");
      const seconds = Number(refused.headers.get("retry-after"));
      assert.ok(seconds > 50 && seconds <= 60, `${seconds}`);
      assert.ok(Number(refused.headers.get("x-ratelimit-reset")) > Date.now() / 1000);
      assert.equal((await coolify.ask("GET", "/projects", undefined, { token: "6|other" })).status, 200);
    } finally {
      await coolify.close();
    }
  });

  it("refuses everything from a client after 30 failures in a minute, and leaves other tokens alone", async () => {
    const coolify = await openPlayground({ tokens });
    try {
      for (let attempt = 0; attempt < 30; attempt += 1) {
        assert.equal((await coolify.ask("POST", "/projects", { name: "shop" }, { token: "2|reader" })).status, 403);
      }
      const refused = await coolify.ask("GET", "/projects", undefined, { token: "2|reader" });
      assert.deepEqual([refused.status, refused.headers.has("retry-after")], [429, true]);
      assert.equal((await coolify.ask("GET", "/projects")).status, 200);
    } finally {
      await coolify.close();
    }
  });
});
