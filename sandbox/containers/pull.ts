import { OperationError } from "../../operations/error.ts";
import { unpackImage } from "../../operations/image/unpack.ts";
import { DockerError } from "./docker-error.ts";
import { nativeImage, type Image, type ImageStore } from "./image-store.ts";
import { parseReference } from "./reference.ts";

/** The header X-Registry-Auth: base64url of JSON. An empty one means nobody. */
export function registryCredentials(header: string | undefined): { username: string; password: string } | null {
  if (header === undefined || header === "") return null;
  try {
    const value = JSON.parse(Buffer.from(header, "base64url").toString("utf8")) as {
      username?: string;
      password?: string;
    };
    const { username = "", password = "" } = value;
    return username === "" ? null : { username, password };
  } catch (cause) {
    throw new DockerError(400, "invalid X-Registry-Auth header", { cause });
  }
}

/**
 * Brings an image here and gives it its name: from its registry, verified by digest, or, for `postgres` and `redis`, from the machine. Throws 404 for
 * what the registry does not have, 500 for everything else, with the reason.
 */
export async function pullImage(
  text: string,
  credentials: { username: string; password: string } | null,
  store: ImageStore,
  cacheDir: string,
): Promise<Image> {
  const native = nativeImage(text);
  if (native !== null) return store.add(native);
  const { registry, path, familiar, tag, digest } = parseReference(text);
  const full = `${registry}/${path}${digest === undefined ? `:${tag}` : `@${digest}`}`;
  try {
    const unpacked = await unpackImage(full, { cacheDir, ...(credentials === null ? {} : { credentials }) });
    return await store.add({
      // As with Docker's containerd image store, the manifest's digest names the image on this machine.
      id: unpacked.manifestDigest,
      tags: digest === undefined ? [`${familiar}:${tag}`] : [],
      digests: [`${familiar}@${unpacked.digest}`],
      created: new Date().toISOString(),
      architecture: process.arch === "x64" ? "amd64" : process.arch,
      os: "linux",
      config: unpacked.config,
      size: 0,
      root: unpacked.rootfs,
      native: null,
    });
  } catch (error) {
    if (!(error instanceof OperationError)) throw error;
    const missing = /\b(404|not found|unknown|does not have)\b/i.test(error.text.what);
    throw new DockerError(
      missing ? 404 : 500,
      missing ? `manifest for ${text} not found: ${error.message}` : error.message,
      { cause: error },
    );
  }
}
