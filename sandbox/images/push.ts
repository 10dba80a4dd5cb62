import { openAsBlob } from "node:fs";
import type { RegistryCredentials } from "../../operations/image/access.ts";
import { pinned } from "../../operations/image/reference.ts";
import { connectRegistry, type RegistryClient } from "../../operations/image/registry-client.ts";
import { manifestType, type OciImage } from "./build.ts";

export interface PushTarget {
  /** Host and port: `127.0.0.1:7303`. */
  readonly registry: string;
  readonly repository: string;
  readonly tags: readonly string[];
  readonly auth?: RegistryCredentials;
  readonly signal?: AbortSignal;
}

export interface PushedImage {
  readonly digest: string;
  /** `<registry>/<repository>@<digest>`. */
  readonly reference: string;
  /** Bytes that the registry did not have yet. */
  readonly sentBytes: number;
}

/** Pushes an image: the blobs that the registry lacks, then the manifest under its digest, then the tags. */
export async function pushImage(image: OciImage, target: PushTarget): Promise<PushedImage> {
  const { auth, signal } = target;
  const client = connectRegistry(
    target,
    { ...(auth && { credentials: auth }), ...(signal && { signal }) },
    "pull,push",
  );
  let sentBytes = 0;
  for (const layer of image.layers) sentBytes += await pushBlob(client, layer.digest, () => openAsBlob(layer.path));
  sentBytes += await pushBlob(client, image.config.digest, async () => new Blob([image.config.bytes]));
  for (const reference of [image.digest, ...target.tags]) {
    const headers = { "content-type": manifestType };
    const answer = await client.request(`manifests/${reference}`, { method: "PUT", headers, body: image.manifest });
    await answer.body?.cancel();
  }
  return { digest: image.digest, reference: pinned(target, image.digest), sentBytes };
}

/** Sends a blob unless it is there; returns how many bytes were sent. */
async function pushBlob(client: RegistryClient, digest: string, open: () => Promise<Blob>): Promise<number> {
  const there = await client.request(`blobs/${digest}`, { method: "HEAD", accept: [404] });
  await there.body?.cancel();
  if (there.ok) return 0;
  const started = await client.request("blobs/uploads/", { method: "POST" });
  await started.body?.cancel();
  const location = new URL(started.headers.get("location") ?? "", started.url);
  location.searchParams.set("digest", digest);
  const body = await open();
  const headers = { "content-type": "application/octet-stream" };
  const finished = await client.request(location, { method: "PUT", headers, body });
  await finished.body?.cancel();
  return body.size;
}
