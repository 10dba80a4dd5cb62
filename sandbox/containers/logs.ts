import { watch } from "node:fs";
import { open } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";

const chunkBytes = 64 * 1024;

/** The last `lines` lines of a file, or all of it. A missing file is an empty one. */
export async function tailOf(path: string, lines: number | "all"): Promise<{ content: Buffer; end: number }> {
  const file = await open(path, "r").catch(() => null);
  if (file === null) return { content: Buffer.alloc(0), end: 0 };
  try {
    const { size } = await file.stat();
    if (lines === 0) return { content: Buffer.alloc(0), end: size };
    let start = size;
    let content = Buffer.alloc(0);
    while (start > 0 && (lines === "all" || newlines(content) <= lines)) {
      const length = Math.min(chunkBytes, start);
      start -= length;
      const chunk = Buffer.alloc(length);
      await file.read(chunk, 0, length, start);
      content = Buffer.concat([chunk, content]);
    }
    return { content: lines === "all" ? content : lastLines(content, lines), end: size };
  } finally {
    await file.close();
  }
}

/** What is appended to a file from `offset` on, as it comes, until `signal` is aborted. */
export async function* follow(path: string, offset: number, signal: AbortSignal): AsyncGenerator<Buffer> {
  let position = offset;
  let changed = () => {};
  const watcher = watch(path, () => changed());
  try {
    while (!signal.aborted) {
      // Listening before reading: what is written in between is not missed.
      const change = new Promise<void>((resolve) => (changed = resolve));
      const { content, end } = await readFrom(path, position);
      position = end;
      if (content.length > 0) yield content;
      else await Promise.race([change, pause(1000, undefined, { signal }).catch(() => undefined)]);
    }
    const { content } = await readFrom(path, position);
    if (content.length > 0) yield content;
  } finally {
    watcher.close();
  }
}

async function readFrom(path: string, position: number): Promise<{ content: Buffer; end: number }> {
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    const content = Buffer.alloc(Math.max(0, size - position));
    await file.read(content, 0, content.length, position);
    return { content, end: Math.max(size, position) };
  } finally {
    await file.close();
  }
}

function newlines(content: Buffer): number {
  let count = 0;
  for (let at = content.indexOf(10); at >= 0; at = content.indexOf(10, at + 1)) count += 1;
  return count;
}

function lastLines(content: Buffer, lines: number): Buffer {
  let at = content.at(-1) === 10 ? content.length - 1 : content.length;
  for (let left = lines; left > 0 && at >= 0; left -= 1) at = content.lastIndexOf(10, at - 1);
  return at < 0 ? content : content.subarray(at + 1);
}
