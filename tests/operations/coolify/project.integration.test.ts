import assert from "node:assert/strict";
import { applyPostgres, applyRedis } from "../../../operations/coolify/databases.ts";
import { applyProject } from "../../../operations/coolify/project.ts";
import type { Placement } from "../../../operations/coolify/spec.ts";
import { fieldsIn } from "../../sandbox/coolify/fixture.ts";
import { openWorkshop, type Workshop } from "../../sandbox/coolify/engine.ts";
import { recorded } from "./context.ts";

const password = "PasswordOfTheTests42";

describe("project, postgres and redis apply", () => {
  let workshop: Workshop;
  let server: string;
  before(async () => {
    workshop = await openWorkshop();
    server = workshop.place.server_uuid as string;
  });
  after(() => workshop.close());

  const context = (env: Record<string, string> = {}) =>
    recorded({
      COOLIFY_URL: workshop.coolify.url,
      COOLIFY_TOKEN: "1|root",
      REGISTRY_PASSWORD: workshop.credentials.password,
      POSTGRES_PASSWORD: password,
      REDIS_PASSWORD: password,
      ...env,
    });
  const project = (change: object = {}) => ({ owner: "o", name: "affexai", environment: "staging", server, ...change });
  const registry = () => ({ host: workshop.registry, username: workshop.credentials.username });
  const projectsNamed = async (name: string) =>
    fieldsIn((await workshop.coolify.ask("GET", "/projects")).json).filter((one) => one.name === name);
  const contents = (placement: Placement) =>
    workshop.coolify.expect(200, "GET", `/projects/${placement.projectUuid}/${placement.environmentName}`);

  describe("a project", () => {
    it("is made with its environment, and the second run finds both and makes nothing", async () => {
      const made = await applyProject.run(project(), context());
      assert.deepEqual([made.environmentName, made.serverUuid], ["staging", server]);
      assert.deepEqual(await applyProject.run(project(), context()), made);
      assert.equal((await projectsNamed("affexai")).length, 1);
      const environments = await workshop.coolify.expect(200, "GET", `/projects/${made.projectUuid}/environments`);
      const names = fieldsIn(environments.list).map(({ name }) => name);
      assert.deepEqual(names.sort(), ["production", "staging"]);
    });

    it("logs the server in to the registry, so that images can be pulled", async () => {
      await applyProject.run(project({ registry: registry() }), context());
      const { registries } = await workshop.coolify.expect(200, "GET", `/servers/${server}/registries`);
      assert.deepEqual(
        fieldsIn(registries).map((one) => [one.registry, one.logged_in]),
        [[workshop.registry, true]],
      );
    });

    it("refuses a wrong registry password in the registry's words, without showing it", async () => {
      const wrong = context({ REGISTRY_PASSWORD: "not-the-password" });
      const spec = project({ name: "not-made", registry: registry() });
      await assert.rejects(applyProject.run(spec, wrong), (error: Error) => {
        assert.match(
          error.message,
          /registry 127\.0\.0\.1:\d+, user deployer: answered 400: Login failed: .*Set REGISTRY_PASSWORD/s,
        );
        assert.doesNotMatch(error.message, /not-the-password/);
        return true;
      });
      assert.deepEqual(await projectsNamed("not-made"), []);
    });

    it("asks for the registry's password before it makes anything", async () => {
      const spec = project({ name: "never-made", registry: registry() });
      await assert.rejects(applyProject.run(spec, context({ REGISTRY_PASSWORD: "" })), /REGISTRY_PASSWORD: is not set/);
      assert.deepEqual(await projectsNamed("never-made"), []);
    });

    it("refuses two projects of its name, naming both", async () => {
      const uuids: string[] = [];
      for (const name of ["twin", "twin"]) {
        uuids.push((await workshop.coolify.expect(201, "POST", "/projects", { name })).uuid as string);
      }
      await assert.rejects(applyProject.run(project({ name: "twin" }), context()), (error: Error) => {
        assert.match(error.message, /project twin: exists 2 times/);
        for (const uuid of uuids) assert.ok(error.message.includes(uuid));
        return true;
      });
    });

    it("names the servers there are when its own is not among them", async () => {
      await assert.rejects(applyProject.run(project({ server: "elsewhere" }), context()), {
        kind: "refused",
        message: /server elsewhere: was not found among localhost\. Name one of these/,
      });
    });

    it("refuses a server whose proxy is not Traefik", async () => {
      const caddy = await openWorkshop({ proxy: "caddy" });
      try {
        const env = { COOLIFY_URL: caddy.coolify.url };
        const spec = project({ server: caddy.place.server_uuid });
        await assert.rejects(applyProject.run(spec, context(env)), {
          kind: "refused",
          message: /proxy of server \w+: is caddy\. Switch the server's proxy to Traefik/,
        });
      } finally {
        await caddy.close();
      }
    });
  });

  describe("a database", () => {
    let placement: Placement;
    before(async () => {
      placement = await applyProject.run(project({ name: "databases" }), context());
    });
    const postgres = (change: object = {}) => ({
      ...{ owner: "o", placement, name: "postgres", image: "postgres:16-alpine", user: "affexai", database: "affexai" },
      ...change,
    });
    const redis = (change: object = {}) => ({
      owner: "o",
      placement,
      name: "redis",
      image: "redis:7-alpine",
      ...change,
    });

    it("is made private and started, and the second run adopts it by name", async () => {
      const first = await applyPostgres.run(postgres(), context());
      assert.deepEqual([first.host, first.port], [first.uuid, 5432]);
      const cache = await applyRedis.run(redis(), context());
      assert.equal(cache.port, 6379);
      assert.deepEqual(await applyPostgres.run(postgres(), context()), first);
      assert.deepEqual(await applyRedis.run(redis(), context()), cache);
      const { postgresqls, redis: caches } = await contents(placement);
      assert.deepEqual([fieldsIn(postgresqls).length, fieldsIn(caches).length], [1, 1]);
      const seen = await workshop.coolify.expect(200, "GET", `/databases/${first.uuid}`);
      assert.deepEqual([seen.is_public, seen.status], [false, "running:healthy"]);
    });

    it("starts again what was stopped", async () => {
      const { uuid } = await applyRedis.run(redis(), context());
      await workshop.docker.getContainer(uuid).remove({ force: true });
      await applyRedis.run(redis(), context());
      const { status } = await workshop.coolify.expect(200, "GET", `/databases/${uuid}`);
      assert.equal(status, "running:healthy");
    });

    it("refuses another image, name or password than what is there, without showing passwords", async () => {
      await applyPostgres.run(postgres(), context());
      const other = context({ POSTGRES_PASSWORD: "AnotherPassword4242" });
      const spec = postgres({ image: "postgres:17-alpine", database: "other" });
      await assert.rejects(applyPostgres.run(spec, other), (error: Error) => {
        assert.match(
          error.message,
          /is there and runs postgres:16-alpine, another major version than postgres:17-alpine, has another password, has postgres_db affexai instead of other\./,
        );
        assert.doesNotMatch(error.message, /AnotherPassword4242|PasswordOfTheTests42/);
        return true;
      });
    });

    it("waits while Coolify is at something else with it (409), and asks again", async () => {
      const { uuid } = await applyRedis.run(redis(), context());
      await workshop.docker.getContainer(uuid).remove({ force: true });
      await fetch(`${workshop.coolify.url}/_sandbox/faults`, {
        method: "POST",
        body: JSON.stringify({
          match: { method: "POST", path: "/start$" },
          effect: { kind: "respond", status: 409, body: { message: "Another operation is in progress." } },
        }),
      });
      const waiting = context();
      await applyRedis.run(redis(), waiting);
      assert.ok(waiting.lines.includes("Coolify is at something else with it (409)"), waiting.lines.join("\n"));
    });

    it("refuses one that somebody opened to the internet, and leaves it as it is", async () => {
      const { uuid } = await applyRedis.run(redis(), context());
      await workshop.coolify.expect(200, "PATCH", `/databases/${uuid}`, { is_public: true, public_port: 7399 });
      await assert.rejects(applyRedis.run(redis(), context()), /is open to the internet at port 7399\. Turn off/);
      await workshop.coolify.expect(200, "PATCH", `/databases/${uuid}`, { is_public: false });
    });

    it("refuses two of its name, and a password that Coolify would refuse", async () => {
      for (const name of ["twin", "twin"]) {
        await workshop.coolify.expect(201, "POST", "/databases/redis", {
          ...{ project_uuid: placement.projectUuid, environment_name: "staging", server_uuid: server, name },
        });
      }
      await assert.rejects(applyRedis.run(redis({ name: "twin" }), context()), /redis twin: exists more than once/);
      await assert.rejects(applyRedis.run(redis({ name: "new" }), context({ REDIS_PASSWORD: "sh#rt" })), {
        kind: "usage",
        message: /REDIS_PASSWORD: must be 16 to 128 letters and digits: Coolify refuses quotes/,
      });
      assert.deepEqual(
        fieldsIn((await contents(placement)).redis).filter(({ name }) => name === "new"),
        [],
      );
    });
  });
});
