import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { root, toolsFolder } from "../setup/paths.ts";
import { programPath } from "../setup/program-path.ts";
import { readCredentials } from "../supervisor/credentials.ts";
import { addressOf, describeSandbox, ownDockerHost } from "../supervisor/sandbox.ts";
import { stackFileOf } from "../supervisor/stack-file.ts";

/** Opens the secrets of the sandbox's Pulumi state. Not a secret: it is in the repository, so that the stack file's salt may be too. */
const passphrase = "affexai-sandbox";

/**
 * What a process of this machine needs to work against the sandbox: programs on PATH, Pulumi's home and backend, addresses and access, and the names of
 * the container networks (as a VPN to the Coolify host would give them). `env` is what it goes on top of. Throws when the sandbox never was up.
 */
export async function sandboxEnvironment(
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<Record<string, string>> {
  const sandbox = describeSandbox(env);
  const { aws, coolify, github, registry } = await readCredentials(sandbox.folder);
  return {
    PATH: await programPath(env["PATH"] ?? ""),
    NODE_COMPILE_CACHE: env["NODE_COMPILE_CACHE"] ?? join(toolsFolder, "compile-cache"),
    NODE_OPTIONS: nodeOptions(env["NODE_OPTIONS"] ?? ""),
    AFFEXAI_SANDBOX_DIR: sandbox.folder,
    AFFEXAI_SANDBOX_PORT: `${sandbox.ports.proxy}`,
    AFFEXAI_SANDBOX_HOSTS: sandbox.hostsFile,
    AFFEXAI_CACHE_DIR: join(sandbox.folder, "cache"),
    // Whatever runs an image runs it where the sandbox's containers are, with the same names.
    ...(sandbox.runtime === "docker" ? { DOCKER_HOST: ownDockerHost(sandbox), AFFEXAI_IMAGE_NETWORK: "coolify" } : {}),
    PULUMI_HOME: sandbox.pulumiHome,
    PULUMI_BACKEND_URL: pathToFileURL(sandbox.pulumiState).href,
    PULUMI_CONFIG_PASSPHRASE: passphrase,
    // `--config-file` of all its commands (pulumi 3.259 reads each option from PULUMI_OPTION_*); empty for the repository's own.
    PULUMI_OPTION_CONFIG_FILE: stackFileOf(sandbox) ?? "",
    PULUMI_SKIP_UPDATE_CHECK: "1",
    // The stand-ins are all there is: a missing one must not be replaced by the real one.
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "1",
    COOLIFY_URL: addressOf(sandbox, "coolify"),
    COOLIFY_TOKEN: coolify.token,
    AWS_ENDPOINT_URL: addressOf(sandbox, "s3"),
    AWS_ACCESS_KEY_ID: aws.accessKeyId,
    AWS_SECRET_ACCESS_KEY: aws.secretAccessKey,
    AWS_REGION: "eu-central-1",
    GITHUB_API_URL: addressOf(sandbox, "github"),
    // The github provider wants the slash.
    GITHUB_BASE_URL: `${addressOf(sandbox, "github")}/`,
    GITHUB_TOKEN: github.token,
    GITHUB_OWNER: "affexai",
    REGISTRY_USERNAME: registry.username,
    REGISTRY_PASSWORD: registry.password,
    // What the docker provider calls them.
    DOCKER_REGISTRY_USER: registry.username,
    DOCKER_REGISTRY_PASS: registry.password,
  };
}

/** The preload that resolves the container networks' names, once. As a URL it has no characters that NODE_OPTIONS would split at. */
function nodeOptions(given: string): string {
  const preload = `--import=${pathToFileURL(join(root, "sandbox", "containers", "network.mjs")).href}`;
  return given.split(" ").includes(preload) ? given : `${given} ${preload}`.trim();
}
