import { createHash } from "node:crypto";

/** The label on everything that a sandbox makes on an engine: its value is the sandbox's state folder. */
export const sandboxLabel = "io.affexai.sandbox";

/** The labels of what a sandbox makes. */
export function madeMark(folder: string): Record<string, string> {
  return { [sandboxLabel]: folder };
}

/** `filters` of the Engine API for what a sandbox has made. */
export function madeBy(folder: string): string {
  return JSON.stringify({ label: [`${sandboxLabel}=${folder}`] });
}

/** Eight digits that tell one folder's things from another's where names have to be short. */
export function shortMark(folder: string): string {
  return createHash("sha256").update(folder).digest("hex").slice(0, 8);
}
