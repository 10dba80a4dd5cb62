import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

/** A PATH on which programs of these names and bodies (POSIX shell) come first. `real` in a body is the folder of the real ones. */
export async function withPrograms<T>(
  programs: Readonly<Record<string, string>>,
  work: (path: string) => Promise<T>,
): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), "affexai-programs-"));
  try {
    for (const [name, body] of Object.entries(programs)) {
      await writeFile(join(dir, name), `#!/bin/sh\nPATH=\${PATH#${dir}:}\n${body}\n`);
      await chmod(join(dir, name), 0o755);
    }
    return await work(`${dir}${delimiter}${process.env.PATH ?? ""}`);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
