import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildImage } from "../../../sandbox/images/build.ts";
import { pushImage } from "../../../sandbox/images/push.ts";
import { type Registry, startRegistry } from "../../../sandbox/registry/server.ts";
import { registryDigest } from "../../../sandbox/providers/docker/registry.ts";

const login = { username: "affexai", password: "registry-password" };

describe("the stand-in for the docker provider", () => {
  let folder: string;
  let registry: Registry;
  let digest: string;
  const ask = (image: string, logins = [{ address: registry.host, ...login }]) =>
    registryDigest(image, logins, AbortSignal.timeout(10_000));

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "affexai-docker-"));
    registry = await startRegistry({ host: "127.0.0.1", port: 0, dir: join(folder, "registry"), ...login });
    const context = join(folder, "context");
    await mkdir(context);
    await writeFile(join(context, "hello.txt"), "hello\n");
    const dockerfile = join(context, "Dockerfile");
    await writeFile(dockerfile, 'FROM node:24-alpine\nWORKDIR /app\nCOPY hello.txt ./hello.txt\nCMD ["node"]\n');
    const image = await buildImage({ context, dockerfile, cacheDir: join(folder, "cache") });
    const pushed = await pushImage(image, {
      registry: registry.host,
      repository: "affexai/hello",
      tags: ["1.0.0"],
      auth: login,
    });
    digest = pushed.digest;
  });
  after(async () => {
    await registry.close();
    await rm(folder, { recursive: true, force: true });
  });

  it("finds the digest of an image by tag, and of one by digest", async () => {
    assert.equal(await ask(`${registry.host}/affexai/hello:1.0.0`), digest);
    assert.equal(await ask(`${registry.host}/affexai/hello@${digest}`), digest);
  });

  it("refuses what the registry does not hold", async () => {
    for (const image of [`affexai/hello@sha256:${"0".repeat(64)}`, "affexai/none:1.0.0"]) {
      await assert.rejects(ask(`${registry.host}/${image}`), /bad response from registry: "404/);
    }
  });

  it("refuses a registry that wants a login it has not got", async () => {
    await assert.rejects(ask(`${registry.host}/affexai/hello:1.0.0`, []), /anonymous|401|403/);
    const wrong = [{ address: registry.host, username: "affexai", password: "wrong" }];
    await assert.rejects(ask(`${registry.host}/affexai/hello:1.0.0`, wrong), (error: Error) => {
      assert.match(error.message, /refused|401/);
      assert.ok(!error.message.includes("wrong"));
      return true;
    });
  });

  it("says which registry could not be reached", async () => {
    await assert.rejects(
      ask("127.0.0.1:1/affexai/hello:1.0.0"),
      /127\.0\.0\.1:1\/affexai\/hello:1\.0\.0 from registry: /,
    );
  });
});
