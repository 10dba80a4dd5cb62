import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ImageAccess } from "../../../operations/image/access.ts";
import { inspectImage } from "../../../operations/image/inspect.ts";
import { unpackImage } from "../../../operations/image/unpack.ts";
import { run } from "../../../operations/process.ts";
import { startRegistry, type Registry } from "../../../sandbox/registry/server.ts";
import { pushCrafted, sha256, type CraftedLayer } from "./crafted-image.ts";

const credentials = { username: "robot", password: "registry-secret" };

describe("unpacking an image that somebody else made", () => {
  let dir: string;
  let registry: Registry;
  let access: ImageAccess;
  let served: (path: string) => void;

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "unpack-"));
    served = () => undefined;
    registry = await startRegistry({
      host: "127.0.0.1",
      port: 0,
      dir: join(dir, "registry"),
      ...credentials,
      onAnswer: ({ path }) => served(path),
    });
    access = { credentials, cacheDir: join(dir, "cache") };
  });

  afterEach(async () => {
    await registry.close();
    await rm(dir, { recursive: true, force: true });
  });

  const name = (digest: string) => `${registry.host}/affexai/crafted@${digest}`;

  async function push(...layers: CraftedLayer[]): Promise<string> {
    return name(await pushCrafted(registry.host, credentials, layers));
  }

  it("reads gzip, zstd and plain layers, whiteouts and hard links, and keeps absolute symlinks inside", async () => {
    const long = `${"deep/".repeat(60)}file`;
    const { rootfs } = await unpackImage(
      await push(
        {
          entries: [
            { name: "./", type: "directory" },
            { name: "./bin/", type: "directory", mode: 0o555 },
            { name: "./bin/busybox", content: "box", mode: 0o4755 },
            { name: "bin/sh", type: "symlink", linkname: "/bin/busybox" },
            { name: "old/file", content: "old" },
            { name: "app/a", content: "a" },
          ],
        },
        { compression: "tar+zstd", entries: [{ name: ".wh.old" }, { name: "app/b", type: "link", linkname: "app/a" }] },
        { compression: "tar", entries: [{ name: long, content: "x".repeat(300_000) }] },
      ),
      access,
    );
    assert.deepEqual((await readdir(rootfs)).sort(), ["app", "bin", "deep"]);
    assert.equal(await readlink(join(rootfs, "bin/sh")), "busybox");
    assert.equal(await readFile(join(rootfs, "bin/sh"), "utf8"), "box");
    assert.equal((await stat(join(rootfs, "bin/busybox"))).mode & 0o7777, 0o555, "no set-user-id, nobody may write");
    assert.equal(await readFile(join(rootfs, "app/b"), "utf8"), "a");
    assert.equal((await stat(join(rootfs, long))).size, 300_000);
    await rm(rootfs, { recursive: true });
  });

  it("follows an index to this platform, and reads Docker's own types", async () => {
    const layers = [{ entries: [{ name: "a", content: "a" }] }];
    const index = name(await pushCrafted(registry.host, credentials, layers, "index"));
    const image = await inspectImage(index, access);
    assert.equal(image.reference, index);
    assert.notEqual(image.manifestDigest, image.digest);
    assert.equal(await readFile(join((await unpackImage(index, access)).rootfs, "a"), "utf8"), "a");
    const docker = name(await pushCrafted(registry.host, credentials, layers, "docker"));
    assert.equal(await readFile(join((await unpackImage(docker, access)).rootfs, "a"), "utf8"), "a");
  });

  for (const [what, layers, message] of [
    ["a path that leads out", [{ entries: [{ name: "../../escaped", content: "x" }] }], /points outside the image/],
    [
      "a file written through a symlink that leads out",
      [
        { entries: [{ name: "up", type: "symlink", linkname: "../../.." }] },
        { entries: [{ name: "up/escaped", content: "x" }] },
      ],
      /leads out of the image/,
    ],
    [
      "a hard link to the machine's files",
      [{ entries: [{ name: "a", type: "link", linkname: "/etc/passwd" }] }],
      /not a file of the image/,
    ],
    ["a device", [{ entries: [{ name: "dev/mem", type: "character-device" }] }], /of type character-device/],
    [
      "another content than announced",
      [{ entries: [{ name: "a", content: "a" }], diffId: sha256("other") }],
      /when uncompressed/,
    ],
  ] satisfies [string, CraftedLayer[], RegExp][]) {
    it(`refuses ${what}, and leaves nothing behind`, async () => {
      await assert.rejects(unpackImage(await push(...layers), access), message);
      assert.deepEqual(await readdir(join(access.cacheDir, "images")), []);
      assert.deepEqual(await readdir(join(access.cacheDir, "tmp")), []);
      assert.deepEqual((await readdir(dir)).sort(), ["cache", "registry"]);
    });
  }

  it("refuses what is not an archive", async () => {
    const reference = await push({ compression: "tar", entries: [{ name: "a", content: "a".repeat(2000) }] });
    // The manifest says gzip; the blob is a plain archive of the same digest.
    const { manifest } = await renamed(reference);
    await assert.rejects(unpackImage(manifest, access), /cannot be read/);
  });

  /** The same image under a manifest that calls its layers gzipped. */
  async function renamed(reference: string): Promise<{ manifest: string }> {
    const url = `${registry.url}/v2/affexai/crafted/manifests/`;
    const authorization = `Basic ${btoa(`${credentials.username}:${credentials.password}`)}`;
    const body = await (await fetch(url + (reference.split("@")[1] ?? ""), { headers: { authorization } })).text();
    const changed = body.replace("layer.v1.tar", "layer.v1.tar+gzip");
    const headers = { authorization, "content-type": "application/vnd.oci.image.manifest.v1+json" };
    const answer = await fetch(url + sha256(changed), { method: "PUT", headers, body: changed });
    assert.equal(answer.status, 201);
    return { manifest: name(sha256(changed)) };
  }

  it("is done by the next process when the first one is killed, which clears up behind it", async () => {
    const reference = await push(
      { entries: [{ name: "first", content: "1" }] },
      { entries: [{ name: "second", content: "2" }] },
    );
    const digest = reference.split("@")[1] ?? "";
    const manifest = await inspectManifest(digest);
    const second = manifest.layers[1]?.digest ?? assert.fail("no second layer");
    // The second layer never comes whole, so the first process waits in the middle of its work.
    const asked = new Promise<void>((resolve) => (served = (path) => path.endsWith(second) && resolve()));
    await fault({ path: second, status: 503, retryAfterSeconds: 10, times: 1 });
    const module = new URL("../../../operations/image/unpack.ts", import.meta.url).href;
    const child = spawn(process.execPath, ["--input-type=module", "-"], { stdio: ["pipe", "inherit", "inherit"] });
    child.stdin.end(
      `import { unpackImage } from ${JSON.stringify(module)};\nawait unpackImage(${JSON.stringify(reference)}, ${JSON.stringify(access)});\n`,
    );
    await asked;
    child.kill("SIGKILL");
    await once(child, "exit");
    assert.notDeepEqual(await readdir(join(access.cacheDir, "tmp")), []);
    const { rootfs } = await unpackImage(reference, access);
    assert.deepEqual((await readdir(rootfs)).sort(), ["first", "second"]);
    assert.deepEqual(await readdir(join(access.cacheDir, "tmp")), []);
  });

  async function inspectManifest(digest: string): Promise<{ layers: { digest: string }[] }> {
    const authorization = `Basic ${btoa(`${credentials.username}:${credentials.password}`)}`;
    const answer = await fetch(`${registry.url}/v2/affexai/crafted/manifests/${digest}`, {
      headers: { authorization },
    });
    return (await answer.json()) as { layers: { digest: string }[] };
  }

  async function fault(value: object): Promise<void> {
    await fetch(`${registry.url}/_sandbox/faults`, { method: "POST", body: JSON.stringify(value) });
  }

  it("ends Node's search for a package's type at the image's root", async () => {
    await mkdir(access.cacheDir, { recursive: true });
    await writeFile(join(access.cacheDir, "package.json"), `{"type":"module"}`);
    const reference = await push({ entries: [{ name: "main.js", content: `console.log(typeof require);` }] });
    const { rootfs } = await unpackImage(reference, access);
    const ran = await run({ file: process.execPath, arguments: ["main.js"], cwd: rootfs, timeoutMs: 20_000 });
    assert.equal(ran.stdout, "function");
  });

  it("names the cache's folder and the way to another when it cannot be written to", async () => {
    const reference = await push({ entries: [{ name: "a", content: "a" }] });
    await writeFile(join(dir, "file"), "");
    const cacheDir = join(dir, "file", "cache");
    await assert.rejects(unpackImage(reference, { ...access, cacheDir }), (error: Error) => {
      assert.equal(
        error.message,
        `image cache ${cacheDir}: cannot be written to (ENOTDIR). Name a folder that can be written to in AFFEXAI_CACHE_DIR.`,
      );
      return true;
    });
  });
});
