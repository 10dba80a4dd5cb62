import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BaseImage, buildImage } from "../../../sandbox/images/build.ts";

describe("an image built on a base", () => {
  let folder = "";
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "affexai-base-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const base: BaseImage = {
    layers: [{ digest: `sha256:${"a".repeat(64)}`, size: 7, diffId: `sha256:${"b".repeat(64)}`, path: "/unread" }],
    config: {
      Env: ["PATH=/usr/local/bin:/bin", "NODE_ENV=development"],
      Entrypoint: ["docker-entrypoint.sh"],
      Cmd: ["node"],
      User: "root",
      Labels: { "io.affexai.stand-in": "Node" },
    },
  };

  async function build(dockerfile: string, on?: BaseImage) {
    await writeFile(join(folder, "Dockerfile"), dockerfile);
    const image = await buildImage({
      context: folder,
      dockerfile: join(folder, "Dockerfile"),
      cacheDir: join(folder, "cache"),
      ...(on && { base: on }),
    });
    const { config, rootfs } = JSON.parse(new TextDecoder().decode(image.config.bytes)) as {
      config: Record<string, unknown>;
      rootfs: { diff_ids: string[] };
    };
    const { layers } = JSON.parse(new TextDecoder().decode(image.manifest)) as { layers: { digest: string }[] };
    return { config, diffIds: rootfs.diff_ids, layers: layers.map(({ digest }) => digest) };
  }

  it("has the base's layers first, its settings where the Dockerfile has none, and not its labels", async () => {
    const text = 'FROM node:24-alpine\nENV NODE_ENV=production\nWORKDIR /app\nCMD ["node", "main.js"]\n';
    const { config, diffIds, layers } = await build(text, base);
    assert.deepEqual([layers[0], diffIds[0]], [base.layers[0]?.digest, base.layers[0]?.diffId]);
    assert.deepEqual([layers.length, diffIds.length], [2, 2]);
    assert.deepEqual(config, {
      Env: ["PATH=/usr/local/bin:/bin", "NODE_ENV=production"],
      Entrypoint: ["docker-entrypoint.sh"],
      Cmd: ["node", "main.js"],
      User: "root",
      WorkingDir: "/app",
      Labels: { "io.affexai.base": "node:24-alpine" },
    });
  });

  it("forgets the base's command when it has an entry point of its own", async () => {
    const { config } = await build('FROM node:24-alpine\nENTRYPOINT ["node", "main.js"]\n', base);
    assert.deepEqual([config["Entrypoint"], config["Cmd"]], [["node", "main.js"], undefined]);
  });

  it("is without one what it was: no layer, no variable of a base", async () => {
    const { config, diffIds } = await build("FROM node:24-alpine\nUSER node\n");
    assert.deepEqual(diffIds, []);
    assert.deepEqual(config, { User: "node", Labels: { "io.affexai.base": "node:24-alpine" } });
  });
});
