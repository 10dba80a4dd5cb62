import assert from "node:assert/strict";
import { chmod, cp, mkdir, mkdtemp, readdir, rm, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildImage, type ImageBuild, type OciImage } from "../../../sandbox/images/build.ts";
import { pushImage } from "../../../sandbox/images/push.ts";
import { startRegistry } from "../../../sandbox/registry/server.ts";
import { listArchive } from "./archive.ts";

describe("an image build", () => {
  let dir: string;
  let context: string;

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "build-"));
    context = join(dir, "context");
    await mkdir(join(context, "dist/sub"), { recursive: true });
    await mkdir(join(context, "node_modules/a"), { recursive: true });
    await writeFile(join(context, "dist/main.js"), "main");
    await writeFile(join(context, "dist/sub/b.js"), "b");
    await writeFile(join(context, "dist/notes.md"), "notes");
    await writeFile(join(context, "node_modules/a/index.js"), "a".repeat(2_000_000));
    await writeFile(join(context, "run.sh"), "#!/bin/sh\n");
    await chmod(join(context, "run.sh"), 0o750);
    await symlink("main.js", join(context, "dist/link.js"));
  });

  afterEach(async () => {
    await rm(dir, { recursive: true, force: true });
  });

  async function build(dockerfile: string, more: Partial<ImageBuild> = {}): Promise<OciImage> {
    const path = join(more.context ?? context, "Dockerfile");
    await writeFile(path, dockerfile);
    return await buildImage({ context, dockerfile: path, cacheDir: join(dir, "cache"), ...more });
  }

  async function listLayers(image: OciImage): Promise<string[][]> {
    return await Promise.all(image.layers.map(({ path }) => listArchive(path)));
  }

  it("makes one layer a COPY: sorted, with parents, modes and symlinks, owned by root, at time 0", async () => {
    const image = await build(
      "FROM x\nWORKDIR /app\nCOPY dist ./\nCOPY run.sh bin/\nCOPY --chown=5:6 --chmod=700 run.sh /r\n",
    );
    assert.deepEqual(await listLayers(image), [
      [
        "app/ 755 0:0 0",
        "app/link.js 777 0:0 0 -> main.js",
        "app/main.js 644 0:0 0 =4",
        "app/notes.md 644 0:0 0 =5",
        "app/sub/ 755 0:0 0",
        "app/sub/b.js 644 0:0 0 =1",
      ],
      ["app/ 755 0:0 0", "app/bin/ 755 0:0 0", "app/bin/run.sh 750 0:0 0 =10"],
      ["r 700 5:6 0 =10"],
    ]);
  });

  it("gives the same digest for the same files elsewhere, at another time, without a cache", async () => {
    const dockerfile = "FROM x\nCOPY . /app/\n";
    const one = await build(dockerfile);
    const elsewhere = join(dir, "elsewhere");
    await cp(context, elsewhere, { recursive: true, verbatimSymlinks: true });
    await chmod(join(elsewhere, "run.sh"), 0o750);
    await utimes(join(elsewhere, "dist/main.js"), new Date(1), new Date(1));
    const other = await build(dockerfile, { context: elsewhere, cacheDir: join(dir, "cache-2") });
    assert.equal(other.digest, one.digest);
    await writeFile(join(elsewhere, "dist/main.js"), "Main");
    assert.notEqual((await build(dockerfile, { context: elsewhere })).digest, one.digest);
  });

  it("compresses a layer that it has made before not again", async () => {
    const dockerfile = "FROM x\nCOPY node_modules /n/\nCOPY dist /d/\n";
    const first = await build(dockerfile);
    const made = await stat(first.layers[0]?.path ?? "");
    await writeFile(join(context, "dist/main.js"), "changed");
    const second = await build(dockerfile);
    assert.equal((await stat(second.layers[0]?.path ?? "")).ino, made.ino);
    assert.notEqual(second.layers[1]?.digest, first.layers[1]?.digest);
    assert.equal((await readdir(join(dir, "cache/blobs"))).length, 3);
  });

  it("makes a layer again whose kept file is damaged", async () => {
    const dockerfile = "FROM x\nCOPY dist /d/\n";
    const first = await build(dockerfile);
    await writeFile(first.layers[0]?.path ?? "", "");
    const second = await build(dockerfile);
    assert.deepEqual(second, first);
    assert.equal((await stat(second.layers[0]?.path ?? "")).size, second.layers[0]?.size);
  });

  it("leaves out what .dockerignore says, and prefers the Dockerfile's own", async () => {
    await writeFile(join(context, ".dockerignore"), "**/*.md\ndist/sub\n!dist/sub/b.js\nDockerfile*\n");
    assert.deepEqual(
      (await listLayers(await build("FROM x\nCOPY dist /d/\n")))[0]?.map((line) => line.split(" ")[0]),
      ["d/", "d/link.js", "d/main.js", "d/sub/", "d/sub/b.js"],
    );
    await writeFile(join(context, "Dockerfile.dockerignore"), "dist/sub\n");
    assert.deepEqual(
      (await listLayers(await build("FROM x\nCOPY dist /d/\n")))[0]?.map((line) => line.split(" ")[0]),
      ["d/", "d/link.js", "d/main.js", "d/notes.md"],
    );
  });

  it("expands wildcards, and copies one file to another name", async () => {
    const image = await build("FROM x\nCOPY dist/*.js /js/\nCOPY dist/ma?n.js /one.js\n");
    assert.deepEqual(await listLayers(image), [
      ["js/ 755 0:0 0", "js/link.js 644 0:0 0 =4", "js/main.js 644 0:0 0 =4"],
      ["one.js 644 0:0 0 =4"],
    ]);
  });

  it("names the line of a COPY that finds nothing, is excluded, or leaves the context", async () => {
    await assert.rejects(build("FROM x\nCOPY missing /d/\n"), /Dockerfile, line 2: COPY missing matches nothing/);
    await assert.rejects(
      build("FROM x\n\nCOPY ../secret /d/\n"),
      /line 3: COPY \.\.\/secret lies outside the build context/,
    );
    await writeFile(join(context, ".dockerignore"), "dist\n");
    await assert.rejects(build("FROM x\nCOPY dist /d/\n"), /COPY dist is excluded by .dockerignore/);
  });

  it("makes the working directory when no COPY does", async () => {
    const image = await build("FROM x\nWORKDIR /srv/app\nCOPY run.sh /bin/\n");
    assert.deepEqual((await listLayers(image)).at(-1), ["srv/ 755 0:0 0", "srv/app/ 755 0:0 0"]);
  });

  it("records the base and the labels, its own over the Dockerfile's", async () => {
    const image = await build('FROM node:24-alpine\nLABEL a=1 b=1\nCMD ["node"]\nWORKDIR /app\n', {
      labels: { b: "2" },
    });
    const config = JSON.parse(new TextDecoder().decode(image.config.bytes)) as Record<string, unknown>;
    assert.deepEqual(config.config, {
      Labels: { a: "1", b: "2", "io.affexai.base": "node:24-alpine" },
      Cmd: ["node"],
      WorkingDir: "/app",
    });
    const manifest = JSON.parse(new TextDecoder().decode(image.manifest)) as { annotations: object };
    assert.deepEqual(manifest.annotations, {
      "org.opencontainers.image.base.name": "node:24-alpine",
      "io.affexai.base": "node:24-alpine",
    });
  });

  it("is pushed once, and again only for what is missing", async () => {
    const auth = { username: "u", password: "p" };
    const registry = await startRegistry({ host: "127.0.0.1", port: 0, dir: join(dir, "registry"), ...auth });
    try {
      const dockerfile = "FROM x\nCOPY node_modules /n/\nCOPY dist /d/\n";
      const image = await build(dockerfile);
      const target = { registry: registry.host, repository: "affexai/app", tags: ["r1", "latest"], auth };
      const first = await pushImage(image, target);
      const bytes = image.layers.reduce((sum, { size }) => sum + size, image.config.bytes.length);
      assert.deepEqual(first, {
        digest: image.digest,
        reference: `${registry.host}/affexai/app@${image.digest}`,
        sentBytes: bytes,
      });
      assert.equal((await pushImage(image, target)).sentBytes, 0);
      await writeFile(join(context, "dist/main.js"), "changed");
      const second = await build(dockerfile);
      assert.equal(
        (await pushImage(second, target)).sentBytes,
        (second.layers[1]?.size ?? 0) + second.config.bytes.length,
      );
    } finally {
      await registry.close();
    }
  });
});
