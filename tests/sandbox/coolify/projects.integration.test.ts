import assert from "node:assert/strict";
import { addApplication, fieldsIn, openPlace, openPlayground, type Playground } from "./fixture.ts";

describe("projects and environments", () => {
  let coolify: Playground;
  before(async () => {
    coolify = await openPlayground();
  });
  after(() => coolify.close());

  it("makes production with each project, and takes the same name twice", async () => {
    const [first, second] = [
      await coolify.expect(201, "POST", "/projects", { name: "twin" }),
      await coolify.expect(201, "POST", "/projects", { name: "twin" }),
    ];
    assert.notEqual(first.uuid, second.uuid);
    const { environments } = await coolify.expect(200, "GET", `/projects/${first.uuid as string}`);
    assert.deepEqual(
      fieldsIn(environments).map(({ name }) => name),
      ["production"],
    );
  });

  it("reports every problem of a request at once, and an unknown field refuses it whole", async () => {
    const { errors } = await coolify.expect(422, "POST", "/projects", { name: "no", description: "<b>", owner: "me" });
    assert.deepEqual(errors, {
      name: ["The name field must be at least 3 characters."],
      description: [
        "The description may only contain letters (including Unicode), numbers, spaces, and common punctuation: - _ . , ! ? ( ) ' \" + = * / @ &",
      ],
      owner: ["This field is not allowed."],
    });
    const { errors: missing } = await coolify.expect(422, "POST", "/projects", { description: "x" });
    assert.deepEqual(missing, { name: ["The name field is required."] });
  });

  it("counts query parameters as fields", async () => {
    const { errors } = await coolify.expect(422, "POST", "/projects?dry=1", { name: "shop" });
    assert.deepEqual(errors, { dry: ["This field is not allowed."] });
  });

  it("finds an environment by name and by uuid, with what is in it", async () => {
    const place = await openPlace(coolify);
    const project = `/projects/${place.project_uuid as string}`;
    const { uuid } = await coolify.expect(201, "POST", `${project}/environments`, { name: "staging" });
    const application = await addApplication(coolify, { ...place, environment_name: "staging" }, { name: "backend" });
    for (const key of ["staging", uuid as string]) {
      const environment = await coolify.expect(200, "GET", `${project}/${key}`);
      assert.equal(environment.name, "staging");
      assert.deepEqual(
        fieldsIn(environment.applications).map(({ uuid: own, name }) => [own, name]),
        [[application, "backend"]],
      );
      for (const kind of ["postgresqls", "redis", "mysqls", "mariadbs", "mongodbs", "services"]) {
        assert.deepEqual(environment[kind], [], kind);
      }
    }
  });

  it("refuses a second environment of a name with 409, and deletes only what is empty", async () => {
    const place = await openPlace(coolify);
    const project = `/projects/${place.project_uuid as string}`;
    await coolify.expect(409, "POST", `${project}/environments`, { name: "production" });
    await addApplication(coolify, place);
    assert.deepEqual(await coolify.expect(400, "DELETE", project), {
      message: "Project has resources, so it cannot be deleted.",
    });
    await coolify.expect(400, "DELETE", `${project}/environments/production`);
    await coolify.expect(201, "POST", `${project}/environments`, { name: "empty" });
    await coolify.expect(200, "DELETE", `${project}/environments/empty`);
    await coolify.expect(404, "GET", `${project}/empty`);
  });

  it("renames with 201, as Coolify does", async () => {
    const { uuid } = await coolify.expect(201, "POST", "/projects", { name: "before" });
    const changed = await coolify.expect(201, "PATCH", `/projects/${uuid as string}`, { name: "after" });
    assert.deepEqual(changed, { uuid: uuid as string, name: "after", description: null });
  });

  it("keeps everything over a restart", async () => {
    const { uuid } = await coolify.expect(201, "POST", "/projects", { name: "lasting" });
    await coolify.restart();
    assert.equal((await coolify.expect(200, "GET", `/projects/${uuid as string}`)).name, "lasting");
    assert.equal(fieldsIn((await coolify.ask("GET", "/servers")).json).length, 1);
  });
});

describe("the server and the team", () => {
  let coolify: Playground;
  before(async () => {
    coolify = await openPlayground({ proxy: "caddy" });
  });
  after(() => coolify.close());

  it("shows one server with its proxy and settings", async () => {
    const [server] = fieldsIn((await coolify.ask("GET", "/servers")).json);
    const seen = await coolify.expect(200, "GET", `/servers/${server?.uuid as string}`);
    assert.deepEqual(seen.proxy, { type: "CADDY", status: "running" });
    const settings = seen.settings as Record<string, unknown>;
    assert.deepEqual(
      [settings.concurrent_builds, settings.deployment_queue_limit, settings.dynamic_timeout],
      [2, 25, 3600],
    );
  });

  it("changes the limits of deployments", async () => {
    const [server] = fieldsIn((await coolify.ask("GET", "/servers")).json);
    const route = `/servers/${server?.uuid as string}`;
    await coolify.expect(201, "PATCH", route, { concurrent_builds: 4 });
    const { settings } = await coolify.expect(200, "GET", route);
    assert.equal((settings as Record<string, unknown>).concurrent_builds, 4);
    await coolify.expect(422, "PATCH", route, { ip: "10.0.0.1" });
  });

  it("shows the token's team only", async () => {
    assert.equal((await coolify.expect(200, "GET", "/teams/current")).name, "Root Team");
    assert.equal((await coolify.expect(200, "GET", "/teams/0")).id, 0);
    await coolify.expect(404, "GET", "/teams/1");
  });
});
