import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { mock } from "node:test";
import { OperationError } from "../../../operations/error.ts";
import { takeLease } from "../../../operations/release/lease.ts";
import { objectStorage } from "../../../operations/storage.ts";
import { startObjectStorage, type ObjectStorage } from "../../../sandbox/s3/server.ts";
import { until } from "../../sandbox/coolify/fixture.ts";
import { recorded } from "../coolify/context.ts";

const location = { bucket: "affexai-backups", environment: "test" };

describe("a lease", () => {
  let dir: string;
  let server: ObjectStorage;
  let storage: S3Client;
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "affexai-lease-"));
    const keys = { accessKeyId: "lease-test-key", secretAccessKey: "lease-test-secret" };
    server = await startObjectStorage({ host: "127.0.0.1", port: 0, dir, ...keys });
    storage = objectStorage({
      AWS_ENDPOINT_URL: server.url,
      AWS_REGION: "eu-central-1",
      AWS_ACCESS_KEY_ID: keys.accessKeyId,
      AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
    });
    await storage.send(new CreateBucketCommand({ Bucket: location.bucket }));
  });
  after(async () => {
    storage.destroy();
    await server.close();
    await rm(dir, { recursive: true, force: true });
  });

  const take = (thing: string) => takeLease(storage, location, { thing, doing: "a test" }, recorded({}));
  const place = (thing: string) => ({ Bucket: location.bucket, Key: `leases/test/${thing}.json` });
  const hold = (thing: string, held: { host: string; pid: number; until: number }) =>
    storage.send(
      new PutObjectCommand({
        ...place(thing),
        Body: JSON.stringify({ ...held, doing: "another", until: new Date(held.until).toISOString() }),
      }),
    );
  const isBusy = (error: unknown) => error instanceof OperationError && error.kind === "refused";

  it("is held by one at a time, and again after it was given back", async () => {
    const lease = await take("one");
    await lease.insist();
    await assert.rejects(take("one"), (error) => {
      assert.match(String(error), /one: a test \(process \d+ on .*\) is at work on it\. Wait for its end/);
      return isBusy(error);
    });
    await (await take("other")).release();
    await lease.release();
    await (await take("one")).release();
  });

  it("goes to one of several that ask at once", async () => {
    const asked = await Promise.allSettled(Array.from({ length: 8 }, () => take("many")));
    assert.deepEqual(asked.map(({ status }) => status).toSorted(), [
      "fulfilled",
      ...Array.from({ length: 7 }, () => "rejected"),
    ]);
    for (const one of asked) if (one.status === "fulfilled") await one.value.release();
  });

  it("of a process of this machine that is gone is taken over at once", async () => {
    // Beyond the largest process id of any Linux.
    await hold("dead", { host: hostname(), pid: 2 ** 30, until: Date.now() + 60_000 });
    await (await take("dead")).release();
  });

  it("of another machine is taken over when it has run out, and not while it is renewed", async () => {
    await hold("far", { host: "elsewhere", pid: 1, until: Date.now() + 1200 });
    await (await take("far")).release();
    await hold("far", { host: "elsewhere", pid: 1, until: Date.now() + 5000 });
    const context = recorded({});
    const refused = takeLease(storage, location, { thing: "far", doing: "a test" }, context);
    const ended = assert.rejects(refused, isBusy);
    await until("the wait", async () => context.lines.length > 0);
    await hold("far", { host: "elsewhere", pid: 1, until: Date.now() + 60_000 });
    await ended;
    const { Body } = await storage.send(new GetObjectCommand(place("far")));
    assert.match((await Body?.transformToString()) ?? "", /elsewhere/, "it was left alone");
  });

  describe("that was not renewed in time", () => {
    beforeEach(() => mock.timers.enable({ apis: ["Date"], now: Date.now() }));
    afterEach(() => mock.timers.reset());

    it("is insisted on no longer than nobody has taken it", async () => {
      const slept = await take("slept");
      mock.timers.tick(60_000);
      await slept.insist();
      mock.timers.tick(60_000);
      await hold("slept", { host: "elsewhere", pid: 1, until: Date.now() + 60_000 });
      await assert.rejects(slept.insist(), isBusy);
      await slept.release();
      const { Body } = await storage.send(new GetObjectCommand(place("slept")));
      assert.match((await Body?.transformToString()) ?? "", /elsewhere/, "it is not given back by who lost it");
    });

    it("is insisted on no longer when the bucket takes no write", async () => {
      const lease = await take("apart");
      const faults = new URL("/_sandbox/faults", server.url);
      const denied = { kind: "status", status: 403, code: "AccessDenied" };
      const planned = { faults: [{ operation: "PutObject", key: "leases/*", times: null, action: denied }] };
      assert.equal((await fetch(faults, { method: "POST", body: JSON.stringify(planned) })).status, 201);
      await lease.insist();
      mock.timers.tick(30_000);
      await assert.rejects(lease.insist(), /leases\/test\/apart\.json: was answered with 403 AccessDenied/);
      await fetch(faults, { method: "DELETE" });
      await lease.insist();
      await lease.release();
    });
  });
});
