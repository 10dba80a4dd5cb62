import { createHash } from "node:crypto";
import { z } from "zod";
import { OperationError } from "../error.ts";
import type { ImageReference } from "./reference.ts";
import { bodyOf, type RegistryClient } from "./registry-client.ts";

const Digest = z
  .string()
  .regex(/^sha256:[0-9a-f]{64}$/, "must be sha256:<64 hex digits>; other algorithms are not read");

/** A reference from one piece of content to another: what it is, its digest, and its size in bytes. */
export const Descriptor = z.object({
  mediaType: z.string(),
  digest: Digest,
  size: z.int().min(0),
  platform: z.object({ os: z.string(), architecture: z.string(), variant: z.string().optional() }).optional(),
});
export type Descriptor = z.infer<typeof Descriptor>;

/** An OCI image manifest, or Docker's schema 2, which has the same shape. */
export const Manifest = z.object({
  schemaVersion: z.literal(2),
  mediaType: z.string().optional(),
  config: Descriptor,
  layers: z.array(Descriptor),
  annotations: z.record(z.string(), z.string()).optional(),
});
export type Manifest = z.infer<typeof Manifest>;

const Index = z.object({ schemaVersion: z.literal(2), manifests: z.array(Descriptor).min(1) });

/** The part of an image's configuration that says how to run it, in the names of the OCI image specification. */
export const ImageConfig = z.object({
  User: z.string().optional(),
  ExposedPorts: z.record(z.string(), z.object({})).nullish(),
  /** `NAME=value` each. */
  Env: z.array(z.string()).nullish(),
  Entrypoint: z.array(z.string()).nullish(),
  Cmd: z.array(z.string()).nullish(),
  WorkingDir: z.string().optional(),
  Labels: z.record(z.string(), z.string()).nullish(),
  StopSignal: z.string().optional(),
  /** Docker's extension; durations in nanoseconds. */
  Healthcheck: z
    .object({
      Test: z.array(z.string()).optional(),
      Interval: z.number().optional(),
      Timeout: z.number().optional(),
      StartPeriod: z.number().optional(),
      StartInterval: z.number().optional(),
      Retries: z.number().optional(),
    })
    .optional(),
});
export type ImageConfig = z.infer<typeof ImageConfig>;

/** An image's configuration blob. `diff_ids` are the digests of the uncompressed layers, bottom first. */
export const ImageDocument = z.object({
  created: z.string().optional(),
  architecture: z.string(),
  os: z.string(),
  config: ImageConfig.default({}),
  rootfs: z.object({ type: z.literal("layers"), diff_ids: z.array(Digest) }),
});
export type ImageDocument = z.infer<typeof ImageDocument>;

const indexTypes = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
];
const manifestTypes = [
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
];
const manifestLimit = 4 * 1024 * 1024;

/** A manifest as the registry has it, with the digest that names the image and the digest of the platform's own manifest. */
export interface ResolvedManifest {
  /** What the reference names: a manifest, or the index above it. */
  readonly digest: string;
  readonly manifestDigest: string;
  readonly manifest: Manifest;
}

/** Follows a reference to the manifest for Linux on this machine's architecture; every step is verified by digest. */
export async function resolveManifest(client: RegistryClient, reference: ImageReference): Promise<ResolvedManifest> {
  const where = `image ${reference.registry}/${reference.repository}`;
  const target = reference.digest ?? reference.tag ?? "latest";
  const top = await fetchManifest(client, where, target);
  const index = Index.safeParse(top.content);
  if (!index.success) return { digest: top.digest, manifestDigest: top.digest, manifest: read(where, Manifest, top) };
  const architecture = { x64: "amd64", arm64: "arm64" }[process.arch as string] ?? process.arch;
  const chosen = index.data.manifests.find(
    ({ platform }) => platform?.os === "linux" && platform.architecture === architecture,
  );
  if (chosen === undefined) {
    const offered = index.data.manifests.map(
      ({ platform }) => `${platform?.os ?? "?"}/${platform?.architecture ?? "?"}`,
    );
    throw new OperationError("refused", {
      where: `${where}@${top.digest}`,
      what: `has no manifest for linux/${architecture}; it has ${offered.join(", ")}.`,
      next: "Build the image for this platform too.",
    });
  }
  const manifest = await fetchManifest(client, where, chosen.digest);
  return { digest: top.digest, manifestDigest: chosen.digest, manifest: read(where, Manifest, manifest) };
}

/** Fetches and checks an image's configuration. */
export async function fetchImageDocument(client: RegistryClient, manifest: Manifest): Promise<ImageDocument> {
  const { digest, size } = manifest.config;
  const where = `image ${client.registry}/${client.repository}, config ${digest}`;
  const bytes = await readBody(where, await client.request(`blobs/${digest}`), size);
  verify(where, bytes, digest);
  const document = read(where, ImageDocument, { content: parseJson(where, bytes), digest });
  if (document.rootfs.diff_ids.length === manifest.layers.length) return document;
  throw malformed(where, `lists ${document.rootfs.diff_ids.length} layers, its manifest ${manifest.layers.length}`);
}

interface Fetched {
  readonly content: unknown;
  readonly digest: string;
}

async function fetchManifest(client: RegistryClient, where: string, target: string): Promise<Fetched> {
  const answer = await client.request(`manifests/${target}`, {
    headers: { accept: [...manifestTypes, ...indexTypes].join(", ") },
  });
  const bytes = await readBody(where, answer, manifestLimit);
  const announced = answer.headers.get("docker-content-digest");
  const digest = target.startsWith("sha256:") ? target : (announced ?? digestOf(bytes));
  verify(where, bytes, digest);
  return { content: parseJson(where, bytes), digest };
}

async function readBody(where: string, answer: Response, limit: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of bodyOf(answer)) {
    size += chunk.length;
    if (size > limit) throw malformed(where, `is larger than the ${limit} bytes it may have`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** `sha256:<hex>` of some bytes. */
export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

function verify(where: string, bytes: Uint8Array, digest: string): void {
  const actual = digestOf(bytes);
  if (actual !== digest) throw malformed(where, `should have the digest ${digest} and has ${actual}`);
}

function read<T>(where: string, schema: z.ZodType<T>, { content, digest }: Fetched): T {
  const result = schema.safeParse(content);
  if (result.success) return result.data;
  throw malformed(`${where}@${digest}`, `is not an image that can be run here:\n${z.prettifyError(result.error)}`);
}

function parseJson(where: string, bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch {
    throw malformed(where, "is not JSON");
  }
}

function malformed(where: string, what: string): OperationError {
  return new OperationError("failed", {
    where,
    what: `${what}.`,
    next: "Nothing of it was used. Push the image again, or name another digest.",
  });
}
