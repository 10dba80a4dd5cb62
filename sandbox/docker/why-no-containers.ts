import { access, constants } from "node:fs/promises";
import { join } from "node:path";
import { OperationError } from "../../operations/error.ts";
import { run } from "../../operations/process.ts";

/**
 * Why this process could make no containers, whatever engine it starts; null where it could. It asks the kernel for what every engine asks it for:
 * namespaces, and control groups that may be written. A container without the powers of its host has neither.
 */
export async function whyNoContainers(controlGroups = "/sys/fs/cgroup"): Promise<string | null> {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return "an engine of its own needs Linux and root";
  try {
    await run({ file: "unshare", arguments: ["--mount", "--net", "--pid", "--fork", "true"], timeoutMs: 10_000 });
  } catch (error) {
    if (!(error instanceof OperationError)) throw error;
    return `namespaces cannot be made here: ${error.text.what.trim().split("\n").at(-1)}`;
  }
  const writable = [controlGroups, join(controlGroups, "memory")].map((folder) => access(folder, constants.W_OK));
  const one = await Promise.any(writable).then(
    () => true,
    () => false,
  );
  return one ? null : `${controlGroups} cannot be written here`;
}
