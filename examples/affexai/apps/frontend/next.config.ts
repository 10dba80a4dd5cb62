import path from "node:path";
import type { NextConfig } from "next";

/** Names this build. Absent in development. */
const buildId = process.env["AFFEXAI_BUILD_ID"];

const config: NextConfig = {
  output: "standalone",
  // The workspace's root: dependencies are hoisted there, and the standalone output has to find them.
  outputFileTracingRoot: path.join(import.meta.dirname, "..", ".."),
  turbopack: { root: path.join(import.meta.dirname, "..", "..") },
  // Nothing here resizes images, and sharp would be a third of the image.
  images: { unoptimized: true },
  outputFileTracingExcludes: { "*": ["../../node_modules/@img/**", "../../node_modules/sharp/**"] },
  poweredByHeader: false,
  // Equal sources give equal builds, so that replicas and rebuilt images agree on the names of assets.
  generateBuildId: () => buildId ?? null,
  // Pages ask for their build's files by it, and the proxy sends them to a replica that has them, while two releases serve.
  ...(buildId === undefined ? {} : { deploymentId: buildId }),
};

export default config;
