import { createHash } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { DockerError, notFound } from "./docker-error.ts";
import { readJson, writeJson } from "./json-file.ts";
import type { Config } from "./record.ts";
import { parseReference } from "./reference.ts";

/** An image that containers can be made from. */
export interface Image {
  /** `sha256:<64 hex digits>` of the image's configuration, as Docker's image id. */
  readonly id: string;
  /** `repository:tag` */
  readonly tags: readonly string[];
  /** `repository@sha256:<64 hex digits>` of the manifest. */
  readonly digests: readonly string[];
  /** ISO 8601. */
  readonly created: string;
  readonly architecture: string;
  readonly os: string;
  readonly config: Config;
  /** Bytes unpacked. */
  readonly size: number;
  /** The folder of its unpacked files, shared by its containers and never written to; null for a database image, which has no files here. */
  readonly root: string | null;
  /** The program of ours that stands for the image's own, for the database images. */
  readonly native: "postgres" | "redis" | null;
}

/** The images of one engine, kept in `images.json`. */
export class ImageStore {
  readonly #file: string;
  #images: readonly Image[] = [];

  private constructor(file: string) {
    this.#file = file;
  }

  static async open(dir: string): Promise<ImageStore> {
    await mkdir(dir, { recursive: true });
    const store = new ImageStore(join(dir, "images.json"));
    store.#images = (await readJson<Image[]>(store.#file)) ?? [];
    return store;
  }

  all(): readonly Image[] {
    return this.#images;
  }

  /** By id (whole, or its first hex digits), by `repository[:tag]` or by `repository@digest`. Throws 404 as Docker words it. */
  get(name: string): Image {
    const found = this.find(name);
    if (found === undefined) throw notFound("image", name);
    return found;
  }

  find(name: string): Image | undefined {
    const hex = /^(?:sha256:)?([0-9a-f]{12,64})$/.exec(name)?.[1];
    if (hex !== undefined) {
      const byId = this.#images.find(({ id }) => id.startsWith(`sha256:${hex}`));
      if (byId !== undefined) return byId;
    }
    const { familiar, tag, digest } = parseReference(name);
    return this.#images.find((image) =>
      digest === undefined
        ? image.tags.includes(`${familiar}:${tag}`)
        : image.digests.includes(`${familiar}@${digest}`),
    );
  }

  /** Adds an image, or names and digests to one that is there; a tag moves away from the image that had it. */
  async add(image: Image): Promise<Image> {
    const others = this.#images
      .filter(({ id }) => id !== image.id)
      .map((other) => ({ ...other, tags: other.tags.filter((tag) => !image.tags.includes(tag)) }));
    const before = this.#images.find(({ id }) => id === image.id);
    const union = (a: readonly string[] = [], b: readonly string[]) => [...new Set([...a, ...b])];
    const added = { ...image, tags: union(before?.tags, image.tags), digests: union(before?.digests, image.digests) };
    await this.#write([...others, added]);
    return added;
  }

  /**
   * Removes one name of an image, and the image when that was the last. Its unpacked files stay in the cache, which is shared with others.
   * `usedBy` is a container made from it: then only `force` removes it.
   */
  async remove(
    name: string,
    usedBy: string | undefined,
    force: boolean,
  ): Promise<{ Untagged?: string; Deleted?: string }[]> {
    const image = this.get(name);
    if (usedBy !== undefined && !force) {
      const short = usedBy.slice(0, 12);
      throw new DockerError(
        409,
        `conflict: unable to delete ${name} (must be forced) - image is being used by container ${short}`,
      );
    }
    const byId = /^(?:sha256:)?[0-9a-f]{12,64}$/.test(name);
    const { familiar, tag, digest } = byId ? { familiar: "", tag: "", digest: undefined } : parseReference(name);
    const removed = (candidate: string) =>
      byId || candidate === (digest === undefined ? `${familiar}:${tag}` : `${familiar}@${digest}`);
    const tags = image.tags.filter((candidate) => !removed(candidate));
    // As in Docker, digests name an image only as long as a tag of it remains or they are all it has.
    const digests = tags.length === 0 ? [] : image.digests.filter((candidate) => !removed(candidate));
    const untagged = [...image.tags, ...image.digests]
      .filter((candidate) => ![...tags, ...digests].includes(candidate))
      .map((Untagged) => ({ Untagged }));
    const others = this.#images.filter(({ id }) => id !== image.id);
    if (tags.length > 0) {
      await this.#write([...others, { ...image, tags, digests }]);
      return untagged;
    }
    await this.#write(others);
    return [...untagged, { Deleted: image.id }];
  }

  async #write(images: readonly Image[]): Promise<void> {
    this.#images = images;
    await writeJson(this.#file, images);
  }
}

/**
 * The image that stands for `postgres` or `redis` of Docker Hub: the machine's own server behind the settings of the official image. Null for any
 * other name.
 */
export function nativeImage(reference: string): Image | null {
  const { registry, path, familiar, tag } = parseReference(reference);
  const kind =
    registry === "docker.io"
      ? (/^library\/(postgres|redis)$/.exec(path)?.[1] as Image["native"] | undefined)
      : undefined;
  if (kind === undefined || kind === null) return null;
  const config: Config =
    kind === "postgres"
      ? {
          Entrypoint: ["docker-entrypoint.sh"],
          Cmd: ["postgres"],
          Env: ["PGDATA=/var/lib/postgresql/data"],
          ExposedPorts: { "5432/tcp": {} },
          StopSignal: "SIGINT",
          WorkingDir: "/",
        }
      : {
          Entrypoint: ["docker-entrypoint.sh"],
          Cmd: ["redis-server"],
          ExposedPorts: { "6379/tcp": {} },
          WorkingDir: "/data",
        };
  const id = `sha256:${createHash("sha256").update(`native ${familiar}:${tag}`).digest("hex")}`;
  return {
    id,
    tags: [`${familiar}:${tag}`],
    digests: [],
    created: new Date(0).toISOString(),
    architecture: process.arch === "x64" ? "amd64" : process.arch,
    os: "linux",
    config,
    size: 0,
    root: null,
    native: kind,
  };
}
