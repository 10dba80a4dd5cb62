import { createHash } from "node:crypto";
import { appendFile, lstat, mkdir, readFile, readdir, unlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Lines that several processes append to and read. Each append is one write, so lines never mix. */
export interface SharedLog {
  read(): Promise<string>;
  append(line: string): Promise<void>;
}

/** A log is two files: what was written longer ago than one span may be forgotten. */
const spanMs = 300_000;

/**
 * The log of one name in a folder of this user's alone, in the runtime folder or the folder for temporary files. A folder that others
 * may write to, or that cannot be made, is not used: `private` is then a log of this process only, and says why.
 */
export async function openSharedLog(
  runtimeFolder: string | undefined,
  name: string,
): Promise<{ log: SharedLog; private?: string }> {
  const folder = join(runtimeFolder || tmpdir(), `affexai-${process.getuid?.() ?? "user"}`);
  try {
    await mkdir(folder, { mode: 0o700 }).catch(ignore("EEXIST"));
    const found = await lstat(folder);
    const foreign = process.getuid !== undefined && (found.uid !== process.getuid() || (found.mode & 0o077) !== 0);
    if (!found.isDirectory() || foreign) return { log: memoryLog(), private: `${folder} is open to other users` };
    await forget(folder);
  } catch (error) {
    return { log: memoryLog(), private: error instanceof Error ? error.message : String(error) };
  }
  const file = (span: number) =>
    join(folder, `${createHash("sha256").update(name).digest("hex").slice(0, 24)}.${span}.log`);
  const read = (span: number) => readFile(file(span), "utf8").catch(ignore("ENOENT", ""));
  return {
    log: {
      async read() {
        const span = currentSpan();
        return (await read(span - 1)) + (await read(span));
      },
      // The line end in front: what a killed writer has left of a line must not swallow this one.
      append: (line) => appendFile(file(currentSpan()), `\n${line}\n`, { mode: 0o600 }),
    },
  };
}

/** A log that nobody shares. */
export function memoryLog(): SharedLog {
  const lines: string[] = [];
  return { read: async () => lines.join("\n"), append: async (line) => void lines.push(line) };
}

function currentSpan(): number {
  return Math.floor(Date.now() / spanMs);
}

/** Deletes logs that nobody reads any more. */
async function forget(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const [, span] = /^[0-9a-f]{24}\.(\d+)\.log$/.exec(name) ?? [];
    if (span !== undefined && Number(span) < currentSpan() - 1)
      await unlink(join(folder, name)).catch(ignore("ENOENT"));
  }
}

function ignore(code: string): (error: NodeJS.ErrnoException) => void;
function ignore<T>(code: string, instead: T): (error: NodeJS.ErrnoException) => T;
function ignore(code: string, instead?: unknown) {
  return (error: NodeJS.ErrnoException) => {
    if (error.code !== code) throw error;
    return instead;
  };
}
