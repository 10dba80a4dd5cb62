import { createHash } from "node:crypto";
import { z } from "zod";
import { RegistryError } from "./errors.ts";
import { readBody, send, sendJson, type Exchange } from "./exchange.ts";
import type { StoredManifest } from "./store.ts";

const manifestLimit = 4 * 1024 * 1024;

const Descriptor = z.object({
  mediaType: z.string(),
  digest: z.string().regex(/^sha256:[0-9a-f]{64}$/),
  size: z.int().min(0),
});

/** What the registry reads of a manifest: whom it refers to. The rest is kept as it came. */
const Content = z.object({
  schemaVersion: z.literal(2),
  mediaType: z.string().optional(),
  artifactType: z.string().optional(),
  config: Descriptor.optional(),
  layers: z.array(Descriptor).optional(),
  manifests: z.array(Descriptor).optional(),
  subject: Descriptor.optional(),
  annotations: z.record(z.string(), z.string()).optional(),
});

const isIndex = new Set([
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
]);
const isManifest = new Set([
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
]);

/** GET and HEAD of a manifest by tag or digest, in the form it was pushed in. */
export async function getManifest(exchange: Exchange, repository: string, reference: string): Promise<void> {
  const found = await exchange.store.manifest(repository, reference);
  if (found === undefined) throw unknown(reference);
  refuseUnaccepted(found, exchange.request.headers.accept);
  const headers = {
    "content-type": found.mediaType,
    "content-length": found.bytes.length,
    "docker-content-digest": found.digest,
    etag: `"${found.digest}"`,
  };
  await send(exchange, 200, headers, found.bytes);
}

/** PUT: keeps a manifest whose blobs are all there, under its digest and, when the reference is a tag, under that. */
export async function putManifest(exchange: Exchange, repository: string, reference: string): Promise<void> {
  const { store, request } = exchange;
  const bytes = await readBody(request, manifestLimit);
  if (bytes === undefined) throw new RegistryError("SIZE_INVALID", `manifest is larger than ${manifestLimit} bytes`);
  const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
  const tag = reference.startsWith("sha256:") ? undefined : reference;
  if (tag === undefined && reference !== digest) {
    throw new RegistryError("DIGEST_INVALID", "provided digest did not match uploaded content");
  }
  const mediaType = request.headers["content-type"]?.split(";")[0]?.trim() ?? "";
  const content = readContent(bytes, mediaType);
  const missing: string[] = [];
  for (const blob of [content.config, ...(content.layers ?? [])].filter((each) => each !== undefined)) {
    if ((await store.blobSize(repository, blob.digest)) !== blob.size) missing.push(blob.digest);
  }
  for (const child of content.manifests ?? []) {
    if ((await store.manifest(repository, child.digest)) === undefined) missing.push(child.digest);
  }
  if (missing.length > 0) {
    const detail = missing.map((each) => ({ digest: each }));
    throw new RegistryError("MANIFEST_BLOB_UNKNOWN", "manifest references content unknown to registry", { detail });
  }
  await store.putManifest(repository, { bytes, digest, mediaType, ...(tag === undefined ? {} : { tag }) });
  const location = `/v2/${repository}/manifests/${digest}`;
  await send(exchange, 201, {
    location,
    "docker-content-digest": digest,
    "content-length": 0,
    "oci-subject": content.subject?.digest,
  });
}

/** GET /referrers: an index of the manifests whose subject is this digest. */
export async function getReferrers(exchange: Exchange, repository: string, digest: string): Promise<void> {
  const { store, url } = exchange;
  const wanted = url.searchParams.get("artifactType");
  const manifests: object[] = [];
  for (const each of await store.manifestDigests(repository)) {
    const found = await store.manifest(repository, each);
    const content = found && Content.parse(JSON.parse(found.bytes.toString("utf8")));
    if (found === undefined || content?.subject?.digest !== digest) continue;
    const artifactType = content.artifactType ?? content.config?.mediaType;
    if (wanted !== null && artifactType !== wanted) continue;
    const { annotations } = content;
    manifests.push({ mediaType: found.mediaType, digest: each, size: found.bytes.length, artifactType, annotations });
  }
  const mediaType = "application/vnd.oci.image.index.v1+json";
  await sendJson(
    exchange,
    200,
    { schemaVersion: 2, mediaType, manifests },
    { "content-type": mediaType, "oci-filters-applied": wanted === null ? undefined : "artifactType" },
  );
}

function readContent(bytes: Buffer, mediaType: string): z.infer<typeof Content> {
  if (!isIndex.has(mediaType) && !isManifest.has(mediaType)) {
    throw new RegistryError(
      "MANIFEST_INVALID",
      `manifest has the unsupported content type ${JSON.stringify(mediaType)}`,
    );
  }
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString("utf8"));
  } catch {
    throw new RegistryError("MANIFEST_INVALID", "manifest is not JSON");
  }
  const content = Content.safeParse(json);
  if (!content.success) throw new RegistryError("MANIFEST_INVALID", z.prettifyError(content.error));
  const { data } = content;
  if (data.mediaType !== undefined && data.mediaType !== mediaType) {
    throw new RegistryError("MANIFEST_INVALID", `manifest says mediaType ${data.mediaType}, the request ${mediaType}`);
  }
  if (isIndex.has(mediaType) ? data.manifests === undefined : data.config === undefined || data.layers === undefined) {
    throw new RegistryError("MANIFEST_INVALID", `manifest lacks what a ${mediaType} has`);
  }
  return data;
}

/** A client that does not list OCI types gets a 404, and has wondered why since: distribution's words, which ghcr.io uses. */
function refuseUnaccepted({ mediaType }: StoredManifest, accept: string | undefined): void {
  const accepted = (accept ?? "*/*").split(",").map((each) => each.split(";")[0]?.trim());
  if (accepted.includes(mediaType) || accepted.includes("*/*") || !mediaType.startsWith("application/vnd.oci")) return;
  const what = isIndex.has(mediaType) ? "index" : "manifest";
  const types = isIndex.has(mediaType) ? "indexes" : "manifests";
  throw new RegistryError("MANIFEST_UNKNOWN", `OCI ${what} found, but Accept header does not support OCI ${types}`);
}

function unknown(reference: string): RegistryError {
  const detail = reference.startsWith("sha256:") ? { digest: reference } : { tag: reference };
  return new RegistryError("MANIFEST_UNKNOWN", "manifest unknown", { detail });
}
