import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { z } from "zod";
import { buildImage } from "../../../sandbox/images/build.ts";
import { pushImage } from "../../../sandbox/images/push.ts";

export interface NodeImage {
  /** A folder for what it is made of. */
  readonly dir: string;
  readonly registry: string;
  readonly auth: { readonly username: string; readonly password: string };
  /** What its Node, /opt/node, is given. */
  readonly entrypoint: readonly string[];
}

/**
 * Pushes an image of this machine's own Node, the libraries that it has loaded, and some files in its working directory: no base image can
 * be pulled here. Returns its reference.
 */
export async function pushNodeImage(
  files: Readonly<Record<string, string>>,
  { dir, registry, auth, entrypoint }: NodeImage,
): Promise<string> {
  const context = join(dir, "context");
  const report = z.object({ sharedObjects: z.array(z.string()) }).parse(process.report.getReport());
  for (const path of report.sharedObjects.filter((one) => one.startsWith("/"))) {
    await mkdir(join(context, "root", dirname(path)), { recursive: true });
    await copyFile(path, join(context, "root", path));
  }
  await copyFile(process.execPath, join(context, "node"));
  for (const [name, text] of Object.entries(files)) await writeFile(join(context, name), text);
  const dockerfile = join(context, "Dockerfile");
  await writeFile(
    dockerfile,
    [
      "FROM scratch",
      "ENV OF_IMAGE=yes",
      "COPY root /",
      "COPY node /opt/node",
      "WORKDIR /srv/app",
      `COPY ${Object.keys(files).join(" ")} ./`,
      `ENTRYPOINT ${JSON.stringify(["/opt/node", ...entrypoint])}`,
      "",
    ].join("\n"),
  );
  const built = await buildImage({ context, dockerfile, cacheDir: join(dir, "layers") });
  return (await pushImage(built, { registry, repository: "affexai/node", tags: ["r1"], auth })).reference;
}
