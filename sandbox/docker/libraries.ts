import { realpath } from "node:fs/promises";
import { execa } from "execa";

/** The shared libraries that programs need to run, with the dynamic linker: absolute paths under which they are looked for. */
export async function librariesOf(programs: readonly string[]): Promise<string[]> {
  const found = new Set<string>();
  for (const program of programs) {
    const { stdout, stderr, failed } = await execa("ldd", [await realpath(program)], { reject: false });
    if (/not a dynamic executable|statically linked/.test(`${stdout}${stderr}`)) continue;
    if (failed || stdout.includes("not found")) throw new Error(`ldd ${program}: ${stdout}${stderr}`);
    // `name => /path (address)`, or `/path (address)` for the linker; the kernel's own vdso has no path.
    for (const [, path = ""] of stdout.matchAll(/(?:=> |^\s*)(\/\S+) \(0x/gm)) found.add(path);
  }
  return [...found].sort();
}
