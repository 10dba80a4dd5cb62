import { z } from "zod";
import { type Provider, providerFunction } from "../provider.ts";
import { registryDigest } from "./registry.ts";

const Config = z.strictObject({
  version: z.string().optional(),
  disableDockerDaemonCheck: z.boolean().optional(),
  host: z.string().optional(),
  registryAuth: z
    .array(z.strictObject({ address: z.string(), username: z.string().optional(), password: z.string().optional() }))
    .optional(),
});

const getRegistryImage = providerFunction({
  inputs: z.strictObject({ name: z.string(), insecureSkipVerify: z.boolean().optional() }),
  async call({ name }, { config, signal }) {
    const { registryAuth = [] } = Config.parse(config);
    const sha256Digest = await registryDigest(name, registryAuth, signal);
    return { id: sha256Digest, name, sha256Digest };
  },
});

/** Only what asks a registry: the sandbox has no Docker engine that could build, so `docker.Image` is refused. */
export const docker: Provider = {
  config: Config,
  resources: {},
  functions: { "docker:index/getRegistryImage:getRegistryImage": getRegistryImage },
};
