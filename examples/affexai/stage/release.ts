import { writeFile } from "node:fs/promises";
import path from "node:path";
import { root } from "./tree.ts";

/** Bakes who the release is into what the Dockerfiles copy: `node stage/release.ts <release id> <git sha>`. */
const [id, gitSha] = process.argv.slice(2);
if (id === undefined || gitSha === undefined || !/^[0-9a-f]{40}$/.test(gitSha)) {
  process.stderr.write("usage: node stage/release.ts <release id> <git sha, 40 hex digits>\n");
  process.exit(2);
}
for (const application of ["backend", "frontend"]) {
  await writeFile(path.join(root, "apps", application, "image/release.json"), `${JSON.stringify({ id, gitSha })}\n`);
}
