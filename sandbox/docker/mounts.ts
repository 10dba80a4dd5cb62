import { readFile } from "node:fs/promises";
import { run } from "../../operations/process.ts";

/** Takes away what an engine that was killed has left mounted below a folder: with it the folder could not be removed. */
export async function unmountBelow(folder: string): Promise<void> {
  const table = await readFile("/proc/self/mounts", "utf8").catch(() => "");
  const points = table.split("\n").map((line) => (line.split(" ")[1] ?? "").replaceAll("\\040", " "));
  for (const point of points.filter((one) => one.startsWith(`${folder}/`)).reverse()) {
    await run({ file: "umount", arguments: ["--lazy", point], timeoutMs: 10_000 });
  }
}
