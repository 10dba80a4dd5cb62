import assert from "node:assert/strict";
import { fieldsIn, openPlayground, type Playground } from "./fixture.ts";

describe("faults on demand", () => {
  let coolify: Playground;
  before(async () => {
    coolify = await openPlayground();
  });
  afterEach(() => fetch(`${coolify.url}/_sandbox/faults`, { method: "DELETE" }));
  after(() => coolify.close());

  const inject = async (fault: unknown, status = 201) => {
    const answer = await fetch(`${coolify.url}/_sandbox/faults`, { method: "POST", body: JSON.stringify(fault) });
    assert.equal(answer.status, status, await answer.text());
  };
  const projects = async () => fieldsIn((await coolify.ask("GET", "/projects")).json).map(({ name }) => name);

  it("answers with a status and body as often as asked, and then as before", async () => {
    await inject({
      match: { method: "get", path: "^/api/v1/projects$" },
      effect: { kind: "respond", status: 503, body: { message: "busy" }, headers: { "Retry-After": "7" } },
      times: 2,
    });
    for (let time = 0; time < 2; time += 1) {
      const answer = await coolify.ask("GET", "/projects");
      assert.deepEqual(
        [answer.status, answer.json, answer.headers.get("retry-after")],
        [503, { message: "busy" }, "7"],
      );
    }
    assert.equal((await coolify.ask("GET", "/projects")).status, 200);
  });

  it("drops the connection before anything is done", async () => {
    await inject({ match: { method: "POST", path: "/projects" }, effect: { kind: "drop" } });
    await assert.rejects(coolify.ask("POST", "/projects", { name: "never" }));
    assert.ok(!(await projects()).includes("never"));
  });

  it("drops the connection after it is done", async () => {
    await inject({ match: { method: "POST", path: "/projects" }, effect: { kind: "drop" }, after: true });
    await assert.rejects(coolify.ask("POST", "/projects", { name: "done all the same" }));
    assert.ok((await projects()).includes("done all the same"));
  });

  it("says yes and does nothing", async () => {
    await inject({ match: { path: "/projects" }, effect: { kind: "ok-but-nothing-done", body: { uuid: "made-up" } } });
    const answer = await coolify.ask("POST", "/projects", { name: "lie" });
    assert.deepEqual([answer.status, answer.json], [200, { uuid: "made-up" }]);
    assert.ok(!(await projects()).includes("lie"));
  });

  it("hangs until the client gives up", async () => {
    await inject({ match: { path: "/version" }, effect: { kind: "hang" } });
    const signal = AbortSignal.timeout(100);
    await assert.rejects(fetch(`${coolify.url}/api/v1/version`, { signal }), { name: "TimeoutError" });
  });

  it("refuses a fault that is not one", async () => {
    await inject({ match: { path: "(" }, effect: { kind: "drop" } }, 422);
    await inject({ match: { path: "x" }, effect: { kind: "explode" } }, 422);
  });
});
