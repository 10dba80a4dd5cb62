import assert from "node:assert/strict";
import type { ApplicationProcess } from "./application-process.ts";
import { ask, startBackend } from "./backend-process.ts";
import { doomedSessions } from "./doomed-sessions.ts";
import { eventually } from "./eventually.ts";
import { builtReleases, buildLimitMs, migrate, type UnpackedImage, unpack } from "./releases.ts";
import { type Database, type Services, startServices } from "./services.ts";

interface Readiness {
  status: string;
  details: Record<string, { status: string; message?: string }>;
}

async function readiness(backend: ApplicationProcess): Promise<Readiness> {
  return (await ask(backend, "GET", "/health/ready")).body as Readiness;
}

/** The names of the parts that are down. */
async function down(backend: ApplicationProcess): Promise<string[]> {
  const { details } = await readiness(backend);
  return Object.keys(details).filter((name) => details[name]?.status === "down");
}

describe("the health of the workload's backend", () => {
  let services: Services;
  let images: UnpackedImage[];
  const started: ApplicationProcess[] = [];

  const start = async (image: UnpackedImage | undefined, database: Database, changes = {}) => {
    assert.ok(image);
    const backend = await startBackend(image, services, database, changes);
    started.push(backend);
    return backend;
  };

  before(async function () {
    this.timeout(buildLimitMs);
    const releases = await builtReleases();
    services = await startServices();
    images = await Promise.all(releases.map((release) => unpack(release, "backend")));
  });
  afterEach(async () => {
    for (const backend of started.splice(0)) await backend.kill();
  });
  after(async () => {
    await services.close();
    for (const image of images) await image.remove();
  });

  it("is ready when database, Redis, object storage and migrations are", async () => {
    const database = await services.createDatabase("health_all");
    assert.ok(images[0]);
    await migrate(images[0], database.migratorUrl);
    const backend = await start(images[0], database);
    await backend.answers("/health/ready", 200);
    const { status, details } = await readiness(backend);
    assert.equal(status, "ok");
    assert.deepEqual(Object.keys(details), [
      "database",
      "redis",
      "object-storage",
      "migrations",
      "startup",
      "draining",
    ]);
  });

  it("is alive but not ready while migrations are pending, names them, changes nothing, and gets ready after them", async () => {
    const database = await services.createDatabase("health_pending");
    const backend = await start(images[0], database);
    await backend.answers("/health", 200);
    await backend.answers("/health/started", 503);
    await eventually("the migrations are judged", async () => {
      const { message } = (await readiness(backend)).details["migrations"] ?? {};
      return message === "pending: CreateSchema1760000000000, SeedContent1760000001000" ? true : undefined;
    });
    assert.deepEqual(await down(backend), ["migrations", "startup"]);
    assert.deepEqual(await database.query("SELECT name FROM migrations"), []);
    assert.ok(images[0]);
    await migrate(images[0], database.migratorUrl);
    await backend.answers("/health/ready", 200);
  });

  it("runs on a schema that is ahead of it", async () => {
    const database = await services.createDatabase("health_ahead");
    assert.ok(images[2]);
    await migrate(images[2], database.migratorUrl);
    const backend = await start(images[0], database);
    await backend.answers("/health/ready", 200);
    assert.equal((await ask(backend, "GET", "/api/pages/home")).status, 200);
  });

  it("tolerates a Redis that is away for a moment, counts it as down after 5 s, and recovers", async () => {
    const database = await services.createDatabase("health_redis");
    assert.ok(images[0]);
    await migrate(images[0], database.migratorUrl);
    const backend = await start(images[0], database);
    await backend.answers("/health/ready", 200);
    const stopped = performance.now();
    await services.redis.close();
    await backend.answers("/health/ready", 503);
    const tolerated = performance.now() - stopped;
    assert.ok(tolerated > 4_000 && tolerated < 9_000, `down after ${Math.round(tolerated)} ms`);
    assert.deepEqual(await down(backend), ["redis"]);
    assert.equal((await ask(backend, "GET", "/health/started")).status, 200, "Docker keeps it, and so its route");
    assert.equal((await ask(backend, "GET", "/health")).status, 200);
    assert.equal((await ask(backend, "GET", "/api/pages/home")).status, 200);
    await services.restartRedis();
    await backend.answers("/health/ready", 200);
  });

  it("names a bucket that is not there", async () => {
    const database = await services.createDatabase("health_bucket");
    assert.ok(images[0]);
    await migrate(images[0], database.migratorUrl);
    const backend = await start(images[0], database, { AWS_S3_BUCKET: "another-bucket" });
    await backend.answers("/health", 200);
    await eventually("object storage is judged", async () => {
      const parts = await down(backend);
      return parts.length === 3 && parts[0] === "object-storage" ? parts : undefined;
    });
  });

  it("gets ready while writes are frozen, and makes up for what it could not write", async () => {
    const database = await services.createDatabase("health_frozen");
    assert.ok(images[0]);
    await migrate(images[0], database.migratorUrl);
    await database.setReadOnly(true);
    const backend = await start(images[0], database);
    await backend.answers("/health/ready", 200);
    const body = { subject: "Now?", body: "Now.", email: "customer@example.com" };
    const refused = await ask(backend, "POST", "/api/tickets", { body });
    assert.deepEqual(refused, { status: 503, body: { statusCode: 503, message: "Read-only for maintenance." } });
    await database.setReadOnly(false);
    await eventually("the deployment is recorded", async () => {
      const rows = await database.query(`SELECT "message" FROM "system_logs" WHERE "context" = 'DEPLOYMENT'`);
      return rows.length === 1 ? true : undefined;
    });
  });

  it("outlives sessions that the database ends in the moment in which they are made, as while a restored database is swapped in", async () => {
    const database = await services.createDatabase("health_doomed");
    assert.ok(images[0]);
    await migrate(images[0], database.migratorUrl);
    const sessions = await doomedSessions(database.appUrl);
    try {
      const backend = await start(images[0], { ...database, appUrl: sessions.url });
      await backend.answers("/health/ready", 200);
      sessions.endNext(3);
      await eventually("three sessions ended as they were made", async () => {
        assert.equal(backend.child.exitCode, null, backend.output());
        await ask(backend, "GET", "/api/pages/home").catch(() => undefined);
        return sessions.left === 0 ? true : undefined;
      });
      await backend.answers("/api/pages/home", 200);
    } finally {
      await sessions.close();
    }
  });

  it("release 3 starts, stays unready with the reason, writes nothing and takes no job", async () => {
    const database = await services.createDatabase("health_never");
    assert.ok(images[2]);
    await migrate(images[2], database.migratorUrl);
    const backend = await start(images[2], database);
    await backend.answers("/health", 200);
    await eventually("everything but the search is up", async () => {
      const parts = await down(backend);
      const { message } = (await readiness(backend)).details["search"] ?? {};
      if (message !== 'relation "ticket_search" does not exist') return undefined;
      return parts.join() === "search,migrations,startup" ? true : undefined;
    });
    assert.deepEqual(await database.query(`SELECT "id" FROM "system_logs"`), []);
    assert.deepEqual(await database.query(`SELECT "id" FROM "users"`), []);
    assert.equal((await ask(backend, "GET", "/health")).status, 200);
  });
});
