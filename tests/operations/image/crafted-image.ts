import { createHash } from "node:crypto";
import { buffer } from "node:stream/consumers";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { pack, type Pack } from "tar-stream";
import { connectRegistry } from "../../../operations/image/registry-client.ts";
import type { RegistryCredentials } from "../../../operations/image/access.ts";

/** An archive entry as tar-stream takes it, with its content. */
export type CraftedEntry = Parameters<Pack["entry"]>[0] & { content?: string };

export interface CraftedLayer {
  readonly entries: readonly CraftedEntry[];
  /** Ends the layer's media type. Default `tar+gzip`. */
  readonly compression?: "tar" | "tar+gzip" | "tar+zstd";
  /** Announced instead of the true one. */
  readonly diffId?: string;
}

export function sha256(content: Uint8Array | string): string {
  return `sha256:${createHash("sha256").update(content).digest("hex")}`;
}

/** Pushes an image whose archives are made by hand, honest or not; the digest of its manifest, or of the index around it. */
export async function pushCrafted(
  registry: string,
  credentials: RegistryCredentials,
  layers: readonly CraftedLayer[],
  around: "manifest" | "index" | "docker" = "manifest",
): Promise<string> {
  const client = connectRegistry({ registry, repository: "affexai/crafted" }, { credentials }, "pull,push");

  async function blob(content: Uint8Array, mediaType: string) {
    const digest = sha256(content);
    const started = await client.request("blobs/uploads/", { method: "POST" });
    const location = new URL(started.headers.get("location") ?? "", started.url);
    location.searchParams.set("digest", digest);
    await client.request(location, { method: "PUT", body: new Uint8Array(content) });
    return { mediaType, digest, size: content.length };
  }

  async function manifest(content: object, mediaType: string) {
    const body = JSON.stringify({ schemaVersion: 2, mediaType, ...content });
    await client.request(`manifests/${sha256(body)}`, { method: "PUT", headers: { "content-type": mediaType }, body });
    return { mediaType, digest: sha256(body), size: body.length };
  }

  const docker = around === "docker";
  const diffIds: string[] = [];
  const descriptors: object[] = [];
  for (const { entries, compression = "tar+gzip", diffId } of layers) {
    const tar = await archive(entries);
    diffIds.push(diffId ?? sha256(tar));
    const bytes = compression === "tar" ? tar : compression === "tar+zstd" ? zstdCompressSync(tar) : gzipSync(tar);
    const type = docker
      ? "application/vnd.docker.image.rootfs.diff.tar.gzip"
      : `application/vnd.oci.image.layer.v1.${compression}`;
    descriptors.push(await blob(bytes, type));
  }
  const document = { architecture: "amd64", os: "linux", config: {}, rootfs: { type: "layers", diff_ids: diffIds } };
  const configType = docker
    ? "application/vnd.docker.container.image.v1+json"
    : "application/vnd.oci.image.config.v1+json";
  const config = await blob(Buffer.from(JSON.stringify(document)), configType);
  const manifestType = docker
    ? "application/vnd.docker.distribution.manifest.v2+json"
    : "application/vnd.oci.image.manifest.v1+json";
  const image = await manifest({ config, layers: descriptors }, manifestType);
  if (around !== "index") return image.digest;
  const architecture = process.arch === "arm64" ? "arm64" : "amd64";
  const attestation = await manifest({ config, layers: [] }, manifestType);
  const manifests = [
    { ...attestation, platform: { os: "unknown", architecture: "unknown" } },
    { ...image, platform: { os: "linux", architecture } },
  ];
  return (await manifest({ manifests }, "application/vnd.oci.image.index.v1+json")).digest;
}

async function archive(entries: readonly CraftedEntry[]): Promise<Buffer> {
  const tar = pack();
  for (const { content = "", ...header } of entries) tar.entry(header, content);
  tar.finalize();
  return await buffer(tar);
}
