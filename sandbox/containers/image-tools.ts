import type { Image } from "./image-store.ts";

/** The programs beside the application's own that a health check may find in an image. */
export interface ImageTools {
  readonly sh: boolean;
  readonly wget: boolean;
  readonly curl: boolean;
}

/** The labels in which an image says what it was built FROM: that of sandbox/images, and that of the OCI image specification. */
const baseLabels = ["io.affexai.base", "org.opencontainers.image.base.name"];

/**
 * What the base image brings. Base images are not unpacked here, so it goes by their names: Alpine has busybox's sh and wget, Debian's slim and the
 * full Debian images have sh (the full ones also curl and wget), distroless and scratch have nothing. An image that does not say is taken for Alpine.
 */
export function imageTools(image: Image): ImageTools {
  if (image.native !== null) return { sh: true, wget: image.native === "redis", curl: false };
  const labels = image.config.Labels ?? {};
  const base = baseLabels.map((name) => labels[name]).find((value) => value !== undefined) ?? "alpine";
  if (base === "scratch" || base.includes("distroless")) return { sh: false, wget: false, curl: false };
  if (base.includes("alpine")) return { sh: true, wget: true, curl: false };
  if (base.includes("slim")) return { sh: true, wget: false, curl: false };
  return { sh: true, wget: true, curl: true };
}
