import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { root } from "../setup/paths.ts";
import { defaultBasePort, type Sandbox, serviceNames } from "./sandbox.ts";

const repositoryFile = join(root, "Pulumi.sandbox.yaml");

/** The stack file of a sandbox with other ports than those that the repository's own names: a copy in the state folder. Otherwise null. */
export function stackFileOf({ folder, ports }: Sandbox): string | null {
  return ports.proxy === defaultBasePort ? null : join(folder, "Pulumi.sandbox.yaml");
}

/** Writes the copy, if this sandbox needs one. */
export async function writeStackFile(sandbox: Sandbox): Promise<void> {
  const file = stackFileOf(sandbox);
  if (file === null) return;
  await writeFile(file, shiftPorts(await readFile(repositoryFile, "utf8"), sandbox.ports.proxy));
}

/** A stack file's text with the default ports, after a colon each, moved to those from `base` on. */
function shiftPorts(text: string, base: number): string {
  const ports = serviceNames.map((_, at) => defaultBasePort + at).join("|");
  return text.replaceAll(new RegExp(`(:\\s?)(${ports})\\b`, "g"), (_, colon: string, port: string) => {
    return `${colon}${Number(port) - defaultBasePort + base}`;
  });
}
