import { cp } from "node:fs/promises";
import path from "node:path";
import { emptyImageFolder, root } from "./tree.ts";

/** Fills apps/frontend/image with what the Dockerfile copies: Next.js' standalone output, its static files, and our entry. */
const frontend = path.join(root, "apps/frontend");
const image = await emptyImageFolder("frontend");
const inImage = path.join(image, "apps/frontend");
await cp(path.join(frontend, ".next/standalone"), image, { recursive: true });
await cp(path.join(frontend, ".next/static"), path.join(inImage, ".next/static"), { recursive: true });
for (const file of ["start.ts", "configuration.ts"]) {
  await cp(path.join(frontend, "server", file), path.join(inImage, "server", file));
}
for (const part of ["package.json", "dist"]) {
  await cp(path.join(root, "packages/lifecycle", part), path.join(image, "node_modules/@affexai/lifecycle", part), {
    recursive: true,
    filter: (source) => !source.endsWith(".tsbuildinfo") && !source.endsWith(".d.ts"),
  });
}
