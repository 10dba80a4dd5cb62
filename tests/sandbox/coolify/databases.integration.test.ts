import assert from "node:assert/strict";
import { Engine } from "../../../sandbox/coolify/docker/engine.ts";
import type { Fields } from "../../../sandbox/coolify/json.ts";
import { fieldsIn, openPlace, openPlayground, rootToken, type Playground } from "./fixture.ts";
import { openWorkshop, type Workshop } from "./engine.ts";
import { until } from "./fixture.ts";

describe("databases in Coolify", () => {
  let coolify: Playground;
  let place: Fields;
  before(async () => {
    coolify = await openPlayground({ tokens: [rootToken, { token: "2|reader", abilities: ["read"], teamId: 0 }] });
    place = await openPlace(coolify);
  });
  after(() => coolify.close());
  const create = (kind: string, body: Fields, status = 201) =>
    coolify.expect(status, "POST", `/databases/${kind}`, { ...place, ...body });

  it("gives the inner URL with the password on create, whatever the token", async () => {
    const made = await create("postgresql", {
      postgres_user: "shop",
      postgres_password: "p@ss:1",
      postgres_db: "shop",
    });
    assert.equal(made.internal_db_url, `postgres://shop:p%40ss%3A1@${made.uuid as string}:5432/shop`);
    const redis = await create("redis", { redis_password: "secret" });
    assert.equal(redis.internal_db_url, `redis://default:secret@${redis.uuid as string}:6379/0`);
  });

  it("has Coolify's images and generated passwords by default, hidden from readers", async () => {
    const { uuid } = await create("postgresql", {});
    const seen = await coolify.expect(200, "GET", `/databases/${uuid as string}`);
    assert.deepEqual(
      [seen.image, seen.postgres_user, seen.postgres_db, seen.database_type],
      ["postgres:16-alpine", "postgres", "postgres", "standalone-postgresql"],
    );
    assert.match(seen.postgres_password as string, /^[A-Za-z0-9]{64}$/);
    const plain = (await coolify.ask("GET", `/databases/${uuid as string}`, undefined, { token: "2|reader" }))
      .json as Fields;
    assert.deepEqual(
      ["postgres_password" in plain, "internal_db_url" in plain, plain.status],
      [false, false, "exited:unhealthy"],
    );
  });

  it("refuses passwords outside its alphabet", async () => {
    for (const password of ['quo"te', "sp ace", "dol$lar", "amp&", "back`tick", "semi;colon", "back\\slash"]) {
      const { errors } = await create("postgresql", { postgres_password: password }, 422);
      assert.deepEqual(errors, { postgres_password: ["The postgres password field format is invalid."] }, password);
    }
  });

  it("names fields that no database knows in a bare list, and those of another kind as elsewhere", async () => {
    assert.deepEqual((await create("postgresql", { ssl: true, health: 1 }, 422)).errors, ["ssl", "health"]);
    assert.deepEqual((await create("postgresql", { redis_password: "x" }, 422)).errors, {
      redis_password: ["This field is not allowed."],
    });
  });

  it("checks the common fields on create from 4.4 only", async () => {
    const { errors } = await create("postgresql", { limits_memory: 512 }, 422);
    assert.deepEqual(errors, { limits_memory: ["The limits memory field must be a string."] });
    const old = await openPlayground({ version: "4.3.24" });
    try {
      await old.expect(201, "POST", "/databases/postgresql", { ...(await openPlace(old)), limits_memory: 512 });
    } finally {
      await old.close();
    }
  });

  it("changes the record only, and health on PATCH", async () => {
    const { uuid } = await create("postgresql", {});
    const route = `/databases/${uuid as string}`;
    assert.deepEqual(
      await coolify.expect(200, "PATCH", route, { postgres_password: "changed", health_check_interval: 2 }),
      { message: "Database updated." },
    );
    const seen = await coolify.expect(200, "GET", route);
    assert.deepEqual([seen.postgres_password, seen.health_check_interval], ["changed", 2]);
    await coolify.expect(422, "PATCH", route, { postgres_conf: "shared_buffers = 1GB" });
    await coolify.expect(422, "PATCH", route, { project_uuid: "x" });
  });

  it("keeps scheduled backups, and wants the storage repeated with save_s3", async () => {
    const { uuid } = await create("postgresql", { postgres_db: "shop" });
    const route = `/databases/${uuid as string}/backups`;
    const { uuid: storage } = await coolify.expect(201, "POST", "/s3-storages", {
      name: "backups",
      endpoint: "https://s3.example.com",
      bucket: "backups",
      region: "eu-central-1",
      key: "k",
      secret: "s",
    });
    await coolify.expect(422, "POST", route, { frequency: "daily", save_s3: true });
    const made = await coolify.expect(201, "POST", route, {
      frequency: "daily",
      save_s3: true,
      s3_storage_uuid: storage as string,
    });
    const backup = `${route}/${made.uuid as string}`;
    await coolify.expect(422, "PATCH", backup, { save_s3: true });
    await coolify.expect(200, "PATCH", backup, { frequency: "0 3 * * *" });
    const [seen] = fieldsIn((await coolify.ask("GET", route)).json);
    assert.deepEqual([seen?.frequency, seen?.databases_to_backup, seen?.enabled], ["0 3 * * *", "shop", true]);
    assert.deepEqual(await coolify.expect(200, "GET", `${backup}/executions`), { executions: [] });
    await coolify.expect(200, "DELETE", backup);
    await coolify.expect(404, "PATCH", backup, { frequency: "daily" });
    const { uuid: redis } = await create("redis", {});
    await coolify.expect(422, "POST", `/databases/${redis as string}/backups`, { frequency: "daily" });
  });

  it("refuses S3 storages on local addresses, hides their keys, and is unusable until proved", async () => {
    const body = { name: "media", bucket: "media", region: "x", key: "k", secret: "s" };
    for (const endpoint of [
      "http://127.0.0.1:7302",
      "http://localhost",
      "http://10.1.2.3",
      "http://169.254.169.254",
      "http://minio.internal",
    ]) {
      await coolify.expect(422, "POST", "/s3-storages", { ...body, endpoint });
    }
    const { uuid } = await coolify.expect(201, "POST", "/s3-storages", { ...body, endpoint: "https://s3.example.com" });
    const plain = (await coolify.ask("GET", `/s3-storages/${uuid as string}`, undefined, { token: "2|reader" }))
      .json as Fields;
    assert.deepEqual(["key" in plain, "secret" in plain, plain.is_usable], [false, false, false]);
    assert.equal((await coolify.expect(200, "GET", `/s3-storages/${uuid as string}`)).secret, "s");
  });

  it("says what it does not play instead of pretending", async () => {
    await create("mysql", {}, 501);
    const compose = Buffer.from("services:\n  web:\n    image: nginx\n").toString("base64");
    const { uuid } = await coolify.expect(201, "POST", "/services", {
      ...place,
      name: "monitoring",
      docker_compose_raw: compose,
    });
    await coolify.expect(501, "POST", `/services/${uuid as string}/start`);
    await coolify.expect(422, "PATCH", `/services/${uuid as string}`, { docker_compose_raw: "services: {}" });
    await coolify.expect(200, "PATCH", `/services/${uuid as string}`, { name: "observability" });
    assert.equal((await coolify.expect(200, "GET", `/services/${uuid as string}`)).name, "observability");
    const types = fieldsIn((await coolify.ask("GET", "/resources")).json).map(({ type }) => type);
    assert.ok(types.includes("service") && types.includes("standalone-postgresql"), JSON.stringify(types));
    await coolify.expect(200, "DELETE", `/services/${uuid as string}`);
  });
});

describe("databases that run", () => {
  let workshop: Workshop;
  before(async () => {
    workshop = await openWorkshop();
  });
  after(() => workshop.close());

  it("find their network made, however many of them make it at the same moment", async () => {
    const engine = new Engine(workshop.engine, new AbortController().signal);
    await Promise.all(["first", "second", "third"].map(() => engine.ensureNetwork("of-all-of-them")));
    const networks = await workshop.docker.listNetworks();
    assert.equal(networks.filter(({ Name }) => Name === "of-all-of-them").length, 1);
  });

  for (const [kind, fields] of [
    ["postgresql", { postgres_user: "shop", postgres_password: "secret", postgres_db: "shop" }],
    ["redis", { redis_password: "secret" }],
  ] as const) {
    it(`starts, stops and forgets ${kind}, in the background`, async () => {
      const { coolify, place, docker } = workshop;
      const { uuid } = await coolify.expect(201, "POST", `/databases/${kind}`, { ...place, ...fields });
      const route = `/databases/${uuid as string}`;
      await coolify.expect(200, "PATCH", route, { health_check_interval: 1, health_check_start_period: 0 });
      const status = async () => (await coolify.expect(200, "GET", route)).status;
      assert.equal(await status(), "exited:unhealthy");
      await coolify.expect(400, "POST", `${route}/stop`);
      assert.deepEqual(await coolify.expect(200, "POST", `${route}/start`), {
        message: "Database starting request queued.",
      });
      await coolify.expect(409, "POST", `${route}/start`);
      await until("running:healthy by docker", async () => {
        const { State } = await docker.getContainer(uuid as string).inspect();
        return State.Health?.Status === "healthy";
      });
      assert.equal(await status(), "running:healthy");
      await until("400 for one that runs", async () => (await coolify.ask("POST", `${route}/start`)).status === 400);
      await coolify.expect(200, "POST", `${route}/stop`);
      await until("exited", async () => (await status()) === "exited:unhealthy");
      await coolify.expect(200, "DELETE", route);
      await until("404", async () => (await coolify.ask("GET", route)).status === 404);
    });
  }
});
