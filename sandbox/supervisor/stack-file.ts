import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseDocument } from "yaml";
import { root } from "../setup/paths.ts";
import { defaultBasePort, type Sandbox, serviceNames } from "./sandbox.ts";

const repositoryFile = join(root, "Pulumi.sandbox.yaml");

/**
 * The stack file of a sandbox that the repository's own does not describe, because of its ports or because its migrations run as containers: a copy in
 * the state folder. Otherwise null.
 */
export function stackFileOf({ folder, ports, runtime }: Pick<Sandbox, "folder" | "ports" | "runtime">): string | null {
  return ports.proxy === defaultBasePort && runtime === "processes" ? null : join(folder, "Pulumi.sandbox.yaml");
}

/** Writes the copy, if this sandbox needs one. */
export async function writeStackFile(sandbox: Sandbox): Promise<void> {
  const file = stackFileOf(sandbox);
  if (file === null) return;
  const text = shiftPorts(await readFile(repositoryFile, "utf8"), sandbox.ports.proxy);
  await writeFile(file, sandbox.runtime === "docker" ? withContainers(text) : text);
}

/** A stack file's text with migrations that run as containers. */
function withContainers(text: string): string {
  const settings = parseDocument(text);
  settings.setIn(["config", "affexai:migrations", "imageRuntime"], "docker");
  return settings.toString({ lineWidth: 0 });
}

/** A stack file's text with the default ports, after a colon each, moved to those from `base` on. */
function shiftPorts(text: string, base: number): string {
  const ports = serviceNames.map((_, at) => defaultBasePort + at).join("|");
  return text.replaceAll(new RegExp(`(:\\s?)(${ports})\\b`, "g"), (_, colon: string, port: string) => {
    return `${colon}${Number(port) - defaultBasePort + base}`;
  });
}
