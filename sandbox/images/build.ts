import { readFile } from "node:fs/promises";
import { relative } from "node:path";
import { digestOf, type ImageConfig } from "../../operations/image/manifest.ts";
import { selectEntries } from "./context.ts";
import { parseDockerfile } from "./dockerfile.ts";
import { readIgnoreRules } from "./ignore.ts";
import { buildLayer, type BuiltLayer } from "./layer-cache.ts";

export interface ImageBuild {
  /** The folder that COPY reads from. */
  readonly context: string;
  /** Path of the Dockerfile. */
  readonly dockerfile: string;
  readonly buildArgs?: Readonly<Record<string, string>>;
  /** Added to those of the Dockerfile; these win. */
  readonly labels?: Readonly<Record<string, string>>;
  /** What FROM names, for images that have to be complete. Without it the base is recorded and not included. */
  readonly base?: BaseImage;
  /** Where finished layers are kept for the next build. */
  readonly cacheDir: string;
}

/** An image on this machine that others are built on. */
export interface BaseImage {
  /** Bottom first. */
  readonly layers: readonly BuiltLayer[];
  readonly config: ImageConfig;
}

/** An image that is complete on this machine and can be pushed. */
export interface OciImage {
  /** Of the manifest: what the image is named by. */
  readonly digest: string;
  readonly manifest: Uint8Array<ArrayBuffer>;
  readonly config: { readonly digest: string; readonly bytes: Uint8Array<ArrayBuffer> };
  readonly layers: readonly BuiltLayer[];
}

export const manifestType = "application/vnd.oci.image.manifest.v1+json";
const configType = "application/vnd.oci.image.config.v1+json";
const layerType = "application/vnd.oci.image.layer.v1.tar+gzip";

/** Label and annotation that name the image after FROM. Without a base given it is not part of the image: where that one runs, Node is already there. */
const baseLabel = "io.affexai.base";

/**
 * Builds an OCI image from a Dockerfile without a container engine: one layer a COPY, no RUN, the base included when it is given.
 * The same input gives the same digest on every machine with the same Node. Throws an OperationError that lists every problem of
 * the Dockerfile with its line.
 */
export async function buildImage(build: ImageBuild): Promise<OciImage> {
  const file = relative(process.cwd(), build.dockerfile);
  const recipe = parseDockerfile(await readFile(build.dockerfile, "utf8"), file, build.buildArgs);
  const ignore = await readIgnoreRules(build.context, build.dockerfile);
  const layers: BuiltLayer[] = [...(build.base?.layers ?? [])];
  const folders = new Set<string>();
  for (const step of recipe.copies) {
    const entries = await selectEntries({ root: build.context, dockerfile: file, ignore }, step);
    for (const { path } of entries) folders.add(`/${path}`);
    layers.push(await buildLayer({ entries, owner: step.owner }, build.cacheDir));
  }
  // An ENTRYPOINT of its own forgets the base's CMD, as in Docker: it was meant for another program.
  const { Cmd: inherited, ...baseConfig } = build.base?.config ?? {};
  const imageConfig = {
    ...baseConfig,
    ...(inherited && recipe.config.Entrypoint === undefined ? { Cmd: inherited } : {}),
    ...recipe.config,
    Env: environment(build.base, recipe.config),
  };
  const { WorkingDir } = recipe.config;
  if (WorkingDir !== undefined && WorkingDir !== "/" && !folders.has(WorkingDir)) {
    layers.push(await workingDirectory(WorkingDir, build.cacheDir));
  }
  const labels = { ...recipe.config.Labels, ...build.labels, [baseLabel]: recipe.base };
  const config = encode({
    created: "1970-01-01T00:00:00Z",
    architecture: { x64: "amd64", arm64: "arm64" }[process.arch as string] ?? process.arch,
    os: "linux",
    config: { ...imageConfig, Labels: sorted(labels) },
    rootfs: { type: "layers", diff_ids: layers.map(({ diffId }) => diffId) },
  });
  const manifest = encode({
    schemaVersion: 2,
    mediaType: manifestType,
    config: { mediaType: configType, digest: digestOf(config), size: config.length },
    layers: layers.map(({ digest, size }) => ({ mediaType: layerType, digest, size })),
    annotations: { "org.opencontainers.image.base.name": recipe.base, [baseLabel]: recipe.base },
  });
  return { digest: digestOf(manifest), manifest, config: { digest: digestOf(config), bytes: config }, layers };
}

/** The base's variables, then our own, which win; none at all when nobody sets one. */
function environment(base: BaseImage | undefined, { Env }: ImageConfig): string[] | undefined {
  const own = Env ?? [];
  const names = new Set(own.map((pair) => pair.split("=", 1)[0]));
  const inherited = (base?.config.Env ?? []).filter((pair) => !names.has(pair.split("=", 1)[0]));
  return inherited.length + own.length === 0 ? undefined : [...inherited, ...own];
}

/** When no COPY makes the working directory, a container could not start in it. */
async function workingDirectory(path: string, cacheDir: string): Promise<BuiltLayer> {
  const parts = path.split("/").filter((part) => part !== "");
  const entries = parts.map((_, index) => {
    return { type: "directory" as const, path: parts.slice(0, index + 1).join("/"), mode: 0o755 };
  });
  return await buildLayer({ entries, owner: { uid: 0, gid: 0 } }, cacheDir);
}

function encode(value: unknown): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify(value));
}

function sorted(labels: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).sort(([one], [other]) => (one < other ? -1 : 1)));
}
