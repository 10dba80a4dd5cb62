import { homedir } from "node:os";
import { join } from "node:path";
import { OperationError } from "../error.ts";

/** What is needed to reach images: who we are, where they are kept on this machine, and when to give up. */
export interface ImageAccess {
  /** Without credentials a registry is asked anonymously. */
  readonly credentials?: RegistryCredentials;
  /** Content-addressed; safe to share between processes and to delete when none runs. */
  readonly cacheDir: string;
  /** Where `docker` finds its engine; without it, where this process's own variables say. */
  readonly dockerHost?: string;
  /** The engine's network that runs join; `host`, the machine's own, without it. */
  readonly network?: string;
  readonly signal?: AbortSignal;
}

export interface RegistryCredentials {
  readonly username: string;
  readonly password: string;
}

/** Reads REGISTRY_USERNAME, REGISTRY_PASSWORD, AFFEXAI_CACHE_DIR (default `~/.cache/affexai`), DOCKER_HOST and AFFEXAI_IMAGE_NETWORK. */
export function imageAccess(env: Readonly<Record<string, string | undefined>>, signal?: AbortSignal): ImageAccess {
  const username = env.REGISTRY_USERNAME ?? "";
  const password = env.REGISTRY_PASSWORD ?? "";
  if ((username === "") !== (password === "")) {
    throw new OperationError("refused", {
      where: "registry credentials",
      what: `${username === "" ? "REGISTRY_PASSWORD is set without REGISTRY_USERNAME" : "REGISTRY_USERNAME is set without REGISTRY_PASSWORD"}.`,
      next: "Set both, or neither for public images.",
    });
  }
  const cacheDir = env.AFFEXAI_CACHE_DIR ?? "";
  const { DOCKER_HOST: dockerHost = "", AFFEXAI_IMAGE_NETWORK: network = "" } = env;
  return {
    ...(username === "" ? {} : { credentials: { username, password } }),
    cacheDir: cacheDir === "" ? join(homedir(), ".cache", "affexai") : cacheDir,
    ...(dockerHost === "" ? {} : { dockerHost }),
    ...(network === "" ? {} : { network }),
    ...(signal === undefined ? {} : { signal }),
  };
}
