import { chmod, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { OperationError } from "../error.ts";
import { run } from "../process.ts";
import type { ImageAccess, RegistryCredentials } from "./access.ts";
import { openCache } from "./cache.ts";
import { dockerEnvironment } from "./docker-arguments.ts";
import { orWhenMissing } from "./missing.ts";
import { parseReference } from "./reference.ts";

const pullTimeoutMs = 15 * 60_000;

/** Makes sure that the Docker engine has an image, with our credentials and without changing the user's docker login. */
export async function pullWithDocker(image: string, access: ImageAccess): Promise<void> {
  const { registry } = parseReference(image);
  const signal = access.signal === undefined ? {} : { signal: access.signal };
  const engine = dockerEnvironment(access.dockerHost);
  try {
    const inspect = ["image", "inspect", "--format", "{{.Id}}", image];
    await run({ file: "docker", arguments: inspect, env: engine, timeoutMs: 30_000, ...signal });
    return;
  } catch (error) {
    if (!(error instanceof OperationError) || !/no such image/i.test(error.message)) throw error;
  }
  const cache = await openCache(access.cacheDir);
  const config = await cache.temporary();
  try {
    await writeDockerConfig(config, userConfigDir(), registry, access.credentials);
    const env = access.credentials === undefined ? engine : { ...engine, DOCKER_CONFIG: config };
    await run({ file: "docker", arguments: ["pull", "--quiet", image], env, timeoutMs: pullTimeoutMs, ...signal });
  } finally {
    await rm(config, { recursive: true, force: true });
  }
}

function userConfigDir(): string {
  return process.env.DOCKER_CONFIG ?? join(homedir(), ".docker");
}

const DockerConfig = z.looseObject({ auths: z.record(z.string(), z.unknown()).optional() });

/**
 * A docker client's folder that is the user's own (contexts, plugins) but for the login of one registry. Credential stores are
 * left out: they would win over the login given here.
 */
export async function writeDockerConfig(
  into: string,
  from: string,
  registry: string,
  credentials: RegistryCredentials | undefined,
): Promise<void> {
  await chmod(into, 0o700);
  const names = await orWhenMissing(readdir(from), []);
  for (const name of names.filter((name) => name !== "config.json")) await symlink(join(from, name), join(into, name));
  const text = await orWhenMissing(readFile(join(from, "config.json"), "utf8"), "{}");
  const kept = DockerConfig.parse(JSON.parse(text));
  delete kept.credsStore;
  delete kept.credHelpers;
  const auth = credentials && Buffer.from(`${credentials.username}:${credentials.password}`).toString("base64");
  const config = auth === undefined ? kept : { ...kept, auths: { ...kept.auths, [registry]: { auth } } };
  await writeFile(join(into, "config.json"), JSON.stringify(config), { mode: 0o600 });
}
