import { cp } from "node:fs/promises";
import path from "node:path";
import { traceDependencies } from "./trace.ts";
import { copyDependencies, emptyImageFolder, root } from "./tree.ts";

/** Fills apps/backend/image with what the Dockerfile copies: the compiled code, and of node_modules only the files it can load. */
const image = await emptyImageFolder("backend");
// Runners of migrations load TypeORM from beside the data source, some of them as an ES module.
await copyDependencies(await traceDependencies("backend", ["typeorm", "pg"]), image);
await cp(path.join(root, "apps/backend/dist"), path.join(image, "dist"), {
  recursive: true,
  filter: (source) => !source.endsWith(".tsbuildinfo"),
});
