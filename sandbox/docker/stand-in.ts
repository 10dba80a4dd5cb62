import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { Readable } from "node:stream";
import { text as readText } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { pack, type Pack } from "tar-stream";
import type Docker from "dockerode";
import { digestOf, type ImageConfig } from "../../operations/image/manifest.ts";
import { buildLayer, type BuiltLayer, type LayerSource } from "../images/layer-cache.ts";

/** An image made of this machine's own programs, under the name of the official one that it stands in for. */
export interface StandIn {
  /** `node:24-alpine` */
  readonly name: string;
  /** What is in it, for people: `Node 24.11.0 of this machine`. */
  readonly title: string;
  /** Bottom first. */
  layers(): Promise<LayerSource[]>;
  readonly config: ImageConfig;
}

/** The label of every stand-in; its value is the title. */
export const standInLabel = "io.affexai.stand-in";

/** The label with what a stand-in was made of. */
const contentLabel = "io.affexai.stand-in.content";

/** Puts a stand-in into an engine under its name. One that is there already, made of the same files, is left alone. */
export async function loadStandIn(docker: Docker, standIn: StandIn, cacheDir: string): Promise<void> {
  const sources = await standIn.layers();
  const content = await contentKey(standIn.config, sources);
  const inspect = () =>
    docker
      .getImage(standIn.name)
      .inspect()
      .catch(() => null);
  if ((await inspect())?.Config.Labels?.[contentLabel] === content) return;
  const layers: BuiltLayer[] = [];
  for (const layer of sources) layers.push(await buildLayer(layer, cacheDir));
  const config = new TextEncoder().encode(
    JSON.stringify({
      created: "1970-01-01T00:00:00Z",
      architecture: { x64: "amd64" }[process.arch as string] ?? process.arch,
      os: "linux",
      config: { ...standIn.config, Labels: { [standInLabel]: standIn.title, [contentLabel]: content } },
      rootfs: { type: "layers", diff_ids: layers.map(({ diffId }) => diffId) },
    }),
  );
  const progress = await docker.loadImage(Readable.from(archive(standIn.name, config, layers)), { quiet: true });
  const text = await readText(progress);
  if ((await inspect())?.Config.Labels?.[contentLabel] !== content)
    throw new Error(`The engine did not take the image ${standIn.name}: ${text}`);
}

/** Equal for equal files by path, size and time of change: looking at their bytes would take seconds at every start. */
async function contentKey(config: ImageConfig, layers: readonly LayerSource[]): Promise<string> {
  const hash = createHash("sha256").update(JSON.stringify(config));
  for (const { entries, owner } of layers) {
    hash.update(JSON.stringify(owner));
    for (const entry of entries) {
      hash.update(JSON.stringify(entry));
      if (entry.type === "file") hash.update(`${(await stat(entry.source)).mtimeMs}`);
    }
  }
  return hash.digest("hex");
}

/** `docker save`'s archive, which `docker load` reads: https://github.com/moby/moby/blob/v20.10.24/image/spec/v1.2.md */
function archive(name: string, config: Uint8Array<ArrayBuffer>, layers: readonly BuiltLayer[]): Pack {
  const tar = pack();
  const fill = async () => {
    const configFile = `${digestOf(config).slice(7)}.json`;
    const file = (index: number) => `${index}/layer.tar`;
    const manifest = [{ Config: configFile, RepoTags: [name], Layers: layers.map((_, index) => file(index)) }];
    await entry(configFile, config);
    for (const [index, { path, size }] of layers.entries()) {
      const into = tar.entry({ name: file(index), size });
      await pipeline(createReadStream(path), into);
    }
    await entry("manifest.json", new TextEncoder().encode(JSON.stringify(manifest)));
    tar.finalize();
  };
  const entry = (file: string, bytes: Uint8Array) =>
    new Promise<void>((resolve, reject) => {
      tar.entry({ name: file }, Buffer.from(bytes), (error) => (error ? reject(error) : resolve()));
    });
  fill().catch((error: unknown) => tar.destroy(error instanceof Error ? error : new Error(String(error))));
  return tar;
}
