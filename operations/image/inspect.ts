import type { ImageAccess } from "./access.ts";
import {
  fetchImageDocument,
  resolveManifest,
  type ImageConfig,
  type ImageDocument,
  type Manifest,
} from "./manifest.ts";
import { parseReference, pinned } from "./reference.ts";
import { connectRegistry, type RegistryClient } from "./registry-client.ts";

export interface InspectedImage {
  /** `<registry>/<repository>@<digest>`. */
  readonly reference: string;
  /** What the reference names: the digest of the manifest, or of the index above it. */
  readonly digest: string;
  /** The digest of this platform's manifest; equal to `digest` for an image without an index. */
  readonly manifestDigest: string;
  readonly config: ImageConfig;
  readonly labels: Readonly<Record<string, string>>;
}

/** Asks the registry what a reference names. Two or three small requests, nothing is downloaded to the cache. */
export async function inspectImage(
  reference: string,
  access: Pick<ImageAccess, "credentials" | "signal">,
): Promise<InspectedImage> {
  return (await openImage(reference, access)).image;
}

/** An image with everything that is needed to download its layers. */
export interface OpenImage {
  readonly client: RegistryClient;
  readonly manifest: Manifest;
  readonly document: ImageDocument;
  readonly image: InspectedImage;
}

export async function openImage(text: string, access: Pick<ImageAccess, "credentials" | "signal">): Promise<OpenImage> {
  const reference = parseReference(text);
  const client = connectRegistry(reference, access);
  const { digest, manifestDigest, manifest } = await resolveManifest(client, reference);
  const document = await fetchImageDocument(client, manifest);
  const { config } = document;
  const image = { reference: pinned(reference, digest), digest, manifestDigest, config, labels: config.Labels ?? {} };
  return { client, manifest, document, image };
}
