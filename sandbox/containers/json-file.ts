import { open, readFile, rename } from "node:fs/promises";
import { randomUUID } from "node:crypto";

/** Replaces a JSON file in one step: whoever reads it, also after a kill -9 of the writer, sees the old value or the new one. */
export async function writeJson(path: string, value: unknown): Promise<void> {
  const next = `${path}.${randomUUID()}.new`;
  const file = await open(next, "w", 0o600);
  try {
    await file.writeFile(`${JSON.stringify(value, null, 2)}\n`);
  } finally {
    await file.close();
  }
  await rename(next, path);
}

/** The value that `writeJson` last put there, or null if there is none. The caller states the type: the file is its own. */
export async function readJson<T>(path: string): Promise<T | null> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  });
  return text === null ? null : (JSON.parse(text) as T);
}
