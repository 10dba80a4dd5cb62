import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { extract } from "tar-stream";

/** A gzipped archive's entries, a line each: `<name> <mode> <uid>:<gid> <seconds>[ =<size>| -> <target>]`. */
export async function listArchive(path: string): Promise<string[]> {
  const tar = extract();
  const lines: string[] = [];
  const reading = pipeline(createReadStream(path), createGunzip(), tar);
  for await (const entry of tar) {
    const { name, mode, uid, gid, mtime, type, size, linkname } = entry.header;
    const content = type === "file" ? ` =${size}` : type === "symlink" ? ` -> ${linkname}` : "";
    lines.push(`${name} ${mode.toString(8)} ${uid}:${gid} ${mtime.getTime() / 1000}${content}`);
    entry.resume();
  }
  await reading;
  return lines;
}
