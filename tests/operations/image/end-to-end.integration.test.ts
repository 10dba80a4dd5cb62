import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { OperationError } from "../../../operations/error.ts";
import type { ImageAccess } from "../../../operations/image/access.ts";
import { inspectImage } from "../../../operations/image/inspect.ts";
import { unpackImage } from "../../../operations/image/unpack.ts";
import { buildImage } from "../../../sandbox/images/build.ts";
import { pushImage } from "../../../sandbox/images/push.ts";
import { startRegistry, type Registry } from "../../../sandbox/registry/server.ts";

const credentials = { username: "robot", password: "registry-secret" };

describe("pulling an image", () => {
  let dir: string;
  let registry: Registry;
  let access: ImageAccess;
  let answers: { method: string; path: string; status: number }[];

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "image-"));
    answers = [];
    registry = await startRegistry({
      host: "127.0.0.1",
      port: 0,
      dir: join(dir, "registry"),
      ...credentials,
      onAnswer: (answer) => answers.push(answer),
    });
    access = { credentials, cacheDir: join(dir, "cache") };
  });

  afterEach(async () => {
    await registry.close();
    await rm(dir, { recursive: true, force: true });
  });

  /** Builds and pushes an image of a few files; `size` is that of the large one. */
  async function push(release: string, size = 700_000) {
    const context = join(dir, `context-${release}`);
    await mkdir(join(context, "dist"), { recursive: true });
    await mkdir(join(context, "node_modules/library"), { recursive: true });
    await mkdir(join(context, "packages/shared"), { recursive: true });
    await writeFile(join(context, "dist/main.js"), `console.log(${JSON.stringify(release)});\n`);
    await writeFile(join(context, "node_modules/library/large.bin"), Buffer.alloc(size, "0123456789abcdef"));
    await writeFile(join(context, "packages/shared/index.js"), "module.exports = 1;\n");
    await symlink("../packages/shared", join(context, "node_modules/shared"));
    await writeFile(
      join(context, "Dockerfile"),
      `FROM node:24-alpine\nWORKDIR /app\nCOPY packages packages/\nCOPY node_modules node_modules/\nCOPY dist dist/\nCMD ["node", "dist/main.js"]\n`,
    );
    const dockerfile = join(context, "Dockerfile");
    const labels = { "org.opencontainers.image.version": release };
    const image = await buildImage({ context, dockerfile, labels, cacheDir: join(dir, "layers") });
    return await pushImage(image, {
      registry: registry.host,
      repository: "affexai/backend",
      tags: [release],
      auth: credentials,
    });
  }

  it("reads digest, configuration and labels by tag and by digest", async () => {
    const { digest, reference } = await push("r1");
    const byTag = await inspectImage(`${registry.host}/affexai/backend:r1`, access);
    assert.equal(byTag.reference, reference);
    assert.equal(byTag.digest, digest);
    assert.equal(byTag.manifestDigest, digest);
    assert.deepEqual(byTag.labels, { "io.affexai.base": "node:24-alpine", "org.opencontainers.image.version": "r1" });
    assert.deepEqual(byTag.config.Cmd, ["node", "dist/main.js"]);
    assert.deepEqual(await inspectImage(reference, access), byTag);
  });

  it("unpacks what was built, with symlinks, and needs no network for a digest it has", async () => {
    const { reference } = await push("r1");
    const { rootfs, config } = await unpackImage(reference, access);
    assert.equal(config.WorkingDir, "/app");
    assert.equal(await readFile(join(rootfs, "app/dist/main.js"), "utf8"), 'console.log("r1");\n');
    assert.equal(await readlink(join(rootfs, "app/node_modules/shared")), "../packages/shared");
    assert.equal(await readFile(join(rootfs, "app/node_modules/shared/index.js"), "utf8"), "module.exports = 1;\n");
    assert.equal((await stat(join(rootfs, "app/node_modules/library/large.bin"))).size, 700_000);
    assert.equal((await stat(join(rootfs, "app/dist/main.js"))).mode & 0o222, 0, "shared files are read-only");
    const before = answers.length;
    assert.equal((await unpackImage(reference, access)).rootfs, rootfs);
    assert.equal(answers.length, before);
    assert.deepEqual(await readdir(join(access.cacheDir, "tmp")), []);
  });

  it("downloads of the next release only the layers that differ", async () => {
    await unpackImage((await push("r1")).reference, access);
    const { reference, sentBytes } = await push("r2");
    assert.ok(sentBytes < 5000, `sent ${sentBytes}`);
    answers.length = 0;
    const { rootfs } = await unpackImage(reference, access);
    const blobs = answers.filter(({ method, path }) => method === "GET" && path.includes("/blobs/"));
    assert.equal(blobs.length, 2, "the configuration and one layer");
    assert.equal(await readFile(join(rootfs, "app/dist/main.js"), "utf8"), 'console.log("r2");\n');
  });

  it("survives two at once", async () => {
    const { reference } = await push("r1");
    const both = await Promise.all([unpackImage(reference, access), unpackImage(reference, access)]);
    assert.equal(both[0].rootfs, both[1].rootfs);
    assert.equal(await readFile(join(both[0].rootfs, "app/dist/main.js"), "utf8"), 'console.log("r1");\n');
    assert.deepEqual(await readdir(join(access.cacheDir, "tmp")), []);
  });

  it("takes a broken download up where it broke, and a busy registry again", async () => {
    const { reference } = await push("r1", 3_000_000);
    const large = (await largestBlob()).digest;
    await fault([
      { path: `/blobs/${large}`, dropAfterBytes: 20, times: 2 },
      { path: "/manifests/", status: 503, retryAfterSeconds: 0.01 },
    ]);
    answers.length = 0;
    await unpackImage(reference, access);
    const tries = answers.filter(({ path }) => path.endsWith(large)).map(({ status }) => status);
    assert.deepEqual(tries, [200, 206, 206]);
    assert.deepEqual(
      answers.filter(({ path, status }) => path.includes("/manifests/") && status !== 401).map(({ status }) => status),
      [503, 200],
    );
  });

  it("uses nothing of a blob that was changed on the way", async () => {
    const { reference } = await push("r1");
    await fault([{ path: `/blobs/${(await largestBlob()).digest}`, corruptByte: 30 }]);
    await assert.rejects(unpackImage(reference, access), (error: OperationError) => {
      assert.equal(error.kind, "failed");
      assert.match(error.message, /has the digest sha256:.* Nothing of it was used/);
      return true;
    });
    assert.deepEqual(await readdir(join(access.cacheDir, "images")), []);
    assert.deepEqual(await readdir(join(access.cacheDir, "tmp")), []);
    await unpackImage(reference, access);
  });

  it("refuses a manifest that is not what its digest says", async () => {
    const { reference } = await push("r1");
    await fault([{ path: "/manifests/", corruptByte: 0, times: 2 }]);
    await assert.rejects(unpackImage(reference, access), /should have the digest sha256:/);
  });

  it("unpacks a layer again that somebody wrote to", async () => {
    await unpackImage((await push("r1")).reference, access);
    const layers = join(access.cacheDir, "layers");
    const later = new Date(Date.now() + 60_000);
    for (const name of await readdir(layers, { recursive: true })) {
      if (/\/\d+$/.test(name)) await utimes(join(layers, name), later, later);
    }
    const { reference } = await push("r2");
    answers.length = 0;
    const { rootfs } = await unpackImage(reference, access);
    assert.equal(await readFile(join(rootfs, "app/packages/shared/index.js"), "utf8"), "module.exports = 1;\n");
    assert.ok(answers.filter(({ method, path }) => method === "GET" && path.includes("/blobs/")).length > 2);
  });

  it("says what to set when it may not read, and what is missing when there is nothing", async () => {
    const { reference } = await push("r1");
    const anonymous = { cacheDir: access.cacheDir };
    await assert.rejects(unpackImage(reference, anonymous), /does not allow anonymous access. Set REGISTRY_USERNAME/);
    const wrong = { ...anonymous, credentials: { ...credentials, password: "nothing-like-it" } };
    await assert.rejects(unpackImage(reference, wrong), (error: OperationError) => {
      assert.equal(error.kind, "refused");
      assert.match(error.message, /refused the credentials/);
      assert.doesNotMatch(error.message, /nothing-like-it/);
      return true;
    });
    const absent = `${registry.host}/affexai/backend@sha256:${"0".repeat(64)}`;
    await assert.rejects(
      unpackImage(absent, access),
      /answered 404 to manifests\/sha256:0+: MANIFEST_UNKNOWN .* that the image was pushed/,
    );
  });

  it("calls a registry that is not there unreachable", async () => {
    const { reference } = await push("r1");
    await registry.close();
    await assert.rejects(unpackImage(reference, access), { kind: "unreachable" });
    registry = await startRegistry({ host: "127.0.0.1", port: 0, dir: join(dir, "registry"), ...credentials });
  });

  async function fault(faults: readonly object[]): Promise<void> {
    const answer = await fetch(`${registry.url}/_sandbox/faults`, { method: "POST", body: JSON.stringify(faults) });
    assert.equal(answer.status, 200);
  }

  async function largestBlob(): Promise<{ digest: string; size: number }> {
    const folder = join(dir, "registry/blobs");
    const blobs = await Promise.all(
      (await readdir(folder)).map(async (name) => ({
        digest: `sha256:${name}`,
        size: (await stat(join(folder, name))).size,
      })),
    );
    return blobs.sort((one, other) => other.size - one.size)[0] ?? assert.fail("no blobs");
  }
});
