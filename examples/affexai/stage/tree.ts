import { cp, lstat, mkdir, realpath, rm } from "node:fs/promises";
import path from "node:path";

/** The workspace's root. */
export const root = path.join(import.meta.dirname, "..");

/** Empties the folder that an application's Dockerfile copies from, and returns its path. */
export async function emptyImageFolder(application: string): Promise<string> {
  const folder = path.join(root, "apps", application, "image");
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  return folder;
}

/**
 * Copies files, named relative to the root, to the same places under `target`. Workspace packages are links in node_modules:
 * they become real folders there, because an image holds no workspace.
 */
export async function copyDependencies(files: readonly string[], target: string): Promise<void> {
  for (const file of files) {
    const source = path.join(root, file);
    const inPackages = /^packages\/([^/]+)\/(.+)$/.exec(file);
    const place =
      inPackages === null ? file : path.join("node_modules/@affexai", inPackages[1] ?? "", inPackages[2] ?? "");
    if (!place.startsWith("node_modules/")) {
      throw new Error(
        `${file}: is needed at run time but is outside node_modules and packages. Hoist it, or copy it on purpose.`,
      );
    }
    if ((await lstat(source)).isDirectory() || (await lstat(source)).isSymbolicLink()) {
      if (!(await realpath(source)).startsWith(path.join(root, "packages"))) {
        throw new Error(`${file}: is a folder or link where a file was expected.`);
      }
      continue;
    }
    await cp(source, path.join(target, place));
  }
}
