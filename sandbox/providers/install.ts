import { chmod, mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { type ProviderName, providerNames } from "./providers.ts";

const Package = z.object({ dependencies: z.record(z.string(), z.string()) });
const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/**
 * Puts the stand-ins where an engine with this PULUMI_HOME finds them: `plugins/resource-<name>-v<version>/`, of the exact versions
 * of our SDKs. An engine with another PULUMI_HOME finds none of them. Safe to repeat, also beside a running engine.
 */
export async function installProviders(pulumiHome: string): Promise<void> {
  const { dependencies } = Package.parse(JSON.parse(await readFile(join(root, "package.json"), "utf8")));
  await Promise.all(providerNames.map((name) => install(pulumiHome, name, versionOf(name, dependencies))));
}

function versionOf(name: ProviderName, dependencies: Record<string, string>): string {
  const version = dependencies[`@pulumi/${name}`];
  if (version !== undefined && /^\d+\.\d+\.\d+$/.test(version)) return version;
  throw new Error(`package.json: @pulumi/${name} must be pinned to an exact version, got ${version ?? "nothing"}.`);
}

async function install(pulumiHome: string, name: ProviderName, version: string): Promise<void> {
  const folder = join(pulumiHome, "plugins", `resource-${name}-v${version}`);
  const executable = join(folder, `pulumi-resource-${name}`);
  const main = join(root, "sandbox", "providers", "main.ts");
  await mkdir(folder, { recursive: true });
  const temporary = `${executable}.${process.pid}`;
  // The paths are this machine's: the folder is the sandbox's state and never leaves it.
  await writeFile(
    temporary,
    `#!/bin/sh\nexec ${quote(process.execPath)} --disable-warning=ExperimentalWarning ${quote(main)} ${name} ${version} "$@"\n`,
  );
  await chmod(temporary, 0o755);
  await rename(temporary, executable);
}

function quote(path: string): string {
  return `'${path.replaceAll("'", `'\\''`)}'`;
}
