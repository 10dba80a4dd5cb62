import path from "node:path";
import type { NextConfig } from "next";

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
  generateBuildId: () => process.env["AFFEXAI_BUILD_ID"] ?? null,
};

export default config;
