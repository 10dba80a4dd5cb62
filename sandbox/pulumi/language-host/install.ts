import { access, constants, copyFile, link, mkdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** The name under which the engine looks for the host of `runtime: nodejs`. */
const hostProgram = "pulumi-language-nodejs";

/** Whether a folder holds the engine together with a Node language host: the official download does. */
export async function hasLanguageHost(folder: string): Promise<boolean> {
  return access(join(folder, hostProgram), constants.X_OK).then(
    () => true,
    () => false,
  );
}

/**
 * Makes `folder` a place from which the engine runs with our language host: the engine takes the host that lies beside it, and warns of one that lies
 * anywhere else (sdk/go/common/workspace/plugins.go, getPluginInfoAndPath). A symbolic link would be followed back, so the engine's binary is a hard
 * link, or a copy where the file system forbids that.
 */
export async function installLanguageHost(options: {
  /** The engine's binary. */
  readonly engine: string;
  readonly folder: string;
  /** A Node that strips types. */
  readonly node: string;
}): Promise<void> {
  await mkdir(options.folder, { recursive: true });
  const binary = join(options.folder, "pulumi");
  if (!(await isSameBinary(options.engine, binary))) {
    const draft = `${binary}.${process.pid}`;
    await link(options.engine, draft).catch(() => copyFile(options.engine, draft, constants.COPYFILE_FICLONE));
    await rename(draft, binary);
    // Renaming one link of a file onto another leaves both in place.
    await rm(draft, { force: true });
  }
  const script = join(options.folder, hostProgram);
  const draft = `${script}.${process.pid}`;
  const words = [options.node, join(import.meta.dirname, "main.ts")].map(quote).join(" ");
  await writeFile(draft, `#!/bin/sh\nexec ${words} "$@"\n`, { mode: 0o755 });
  await rename(draft, script);
}

/** A word of a POSIX shell script. */
function quote(word: string): string {
  return `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

async function isSameBinary(engine: string, binary: string): Promise<boolean> {
  const [ours, theirs] = await Promise.all([stat(binary).catch(() => null), stat(engine)]);
  return ours !== null && ours.size === theirs.size && ours.mtimeMs >= theirs.mtimeMs;
}
