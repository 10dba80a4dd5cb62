import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRelease } from "../../../operations/release/create.ts";
import { silent } from "../../../operations/progress.ts";
import { buildImage } from "../../../sandbox/images/build.ts";
import { pushImage } from "../../../sandbox/images/push.ts";
import { startRegistry, type Registry } from "../../../sandbox/registry/server.ts";

const credentials = { username: "robot", password: "registry-secret" };
const commit = "0123456789abcdef0123456789abcdef01234567";

describe("release create", () => {
  let dir: string;
  let registry: Registry;
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "affexai-create-"));
    registry = await startRegistry({ host: "127.0.0.1", port: 0, dir: join(dir, "registry"), ...credentials });
  });
  after(async () => {
    await registry.close();
    await rm(dir, { recursive: true, force: true });
  });

  /** Pushes an image with these two labels; null leaves one out. */
  async function push(name: string, version: string | null, revision: string | null): Promise<string> {
    const context = join(dir, name);
    await mkdir(context, { recursive: true });
    await writeFile(join(context, "main.js"), `console.log("${name}");\n`);
    const dockerfile = join(context, "Dockerfile");
    await writeFile(dockerfile, 'FROM node:24-alpine\nWORKDIR /app\nCOPY main.js ./\nCMD ["node", "main.js"]\n');
    const labels = {
      ...(version === null ? {} : { "org.opencontainers.image.version": version }),
      ...(revision === null ? {} : { "org.opencontainers.image.revision": revision }),
    };
    const image = await buildImage({ context, dockerfile, labels, cacheDir: join(dir, "layers") });
    const { reference } = await pushImage(image, {
      registry: registry.host,
      repository: `affexai/${name}`,
      tags: ["latest"],
      auth: credentials,
    });
    return reference;
  }
  const create = (backend: string, frontend: string, password = credentials.password) =>
    createRelease(
      {
        backend,
        frontend,
        maintenance: false,
        imageRuntime: "unpacked",
        dataSource: "dist/data-source.js",
        nodePath: process.execPath,
      },
      {
        env: {
          REGISTRY_USERNAME: credentials.username,
          REGISTRY_PASSWORD: password,
          AFFEXAI_CACHE_DIR: join(dir, "cache"),
        },
        progress: silent,
        signal: new AbortController().signal,
      },
    );

  it("names every problem with the labels of both images at once", async () => {
    const backend = await push("backend-bad", "Release 1!", null);
    const frontend = await push("frontend-bad", null, "main");
    await assert.rejects(create(backend, frontend), (error: Error) => {
      for (const problem of [
        `${backend}: label org.opencontainers.image.version is "Release 1!"`,
        `${backend}: label org.opencontainers.image.revision is missing`,
        `${frontend}: label org.opencontainers.image.version is missing`,
        `${frontend}: label org.opencontainers.image.revision is "main"`,
      ]) {
        assert.ok(error.message.includes(problem), `${problem} is not in ${error.message}`);
      }
      assert.match(error.message, /Build both images from one commit/);
      return true;
    });
  });

  it("refuses images of two releases, or of two commits", async () => {
    const backend = await push("backend", "r1", commit);
    await assert.rejects(
      create(backend, await push("frontend-2", "r2", commit)),
      /the backend is release r1, the frontend r2/,
    );
    const other = await push("frontend-other", "r1", "f".repeat(40));
    await assert.rejects(create(backend, other), {
      kind: "refused",
      message: new RegExp(`the backend is of commit ${commit}, the frontend of f{40}`),
    });
  });

  it("says which data source it did not find in an image that is no such backend", async () => {
    const backend = await push("backend", "r1", commit);
    await assert.rejects(create(backend, await push("frontend", "r1", commit)), /dist\/data-source\.js/);
  });

  it("says what is missing when an image is not there, and does not show the password when it may not read", async () => {
    const backend = await push("backend", "r1", commit);
    const absent = `${registry.host}/affexai/frontend@sha256:${"0".repeat(64)}`;
    await assert.rejects(create(backend, absent), /answered 404/);
    await assert.rejects(create(backend, backend, "nothing-like-it"), (error: Error) => {
      assert.match(error.message, /refused the credentials/);
      assert.doesNotMatch(error.message, /nothing-like-it/);
      return true;
    });
  });
});
