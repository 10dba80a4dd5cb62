import { z } from "zod";
import { type Call, resource } from "../provider.ts";
import { github, ifThere } from "./client.ts";

const Inputs = z.strictObject({
  repository: z.string(),
  environment: z.string(),
  secretName: z.string(),
  value: z.string(),
});
type Inputs = z.output<typeof Inputs>;

/**
 * `github:index/actionsEnvironmentSecret:ActionsEnvironmentSecret`. Its id is `<repository>:<environment>:<name>`. GitHub never tells the
 * value: an edit made elsewhere shows by its time only, and then as a value that has to be put again.
 */
export const environmentSecret = resource({
  inputs: Inputs,
  computed: ["updatedAt"],
  recomputed: ["updatedAt"],
  replaceOn: ["repository", "environment", "secretName"],
  async create(inputs, call) {
    return { id: `${inputs.repository}:${inputs.environment}:${inputs.secretName}`, outputs: await put(inputs, call) };
  },
  async read({ inputs, outputs }, call) {
    const updatedAt = await lastUpdate(inputs, call);
    if (updatedAt === null) return null;
    const edited = updatedAt !== outputs["updatedAt"];
    return { inputs: edited ? { ...inputs, value: "" } : inputs, outputs: { updatedAt } };
  },
  async update(_existing, inputs, call) {
    return put(inputs, call);
  },
  async delete({ inputs }, call) {
    const { api, owner } = await github(call);
    await ifThere(
      api.rest.actions.deleteEnvironmentSecret({
        owner,
        repo: inputs.repository,
        environment_name: inputs.environment,
        secret_name: inputs.secretName,
      }),
    );
  },
});

async function put(inputs: Inputs, call: Call) {
  const { api, owner } = await github(call);
  const place = { owner, repo: inputs.repository, environment_name: inputs.environment };
  const { seal } = await import("./seal.ts");
  const { data: key } = await api.rest.actions.getEnvironmentPublicKey(place);
  await api.rest.actions.createOrUpdateEnvironmentSecret({
    ...place,
    secret_name: inputs.secretName,
    encrypted_value: await seal(inputs.value, key.key),
    key_id: key.key_id,
  });
  return { updatedAt: (await lastUpdate(inputs, call)) ?? "" };
}

async function lastUpdate(inputs: Inputs, call: Call): Promise<string | null> {
  const { api, owner } = await github(call);
  const found = await ifThere(
    api.rest.actions.getEnvironmentSecret({
      owner,
      repo: inputs.repository,
      environment_name: inputs.environment,
      secret_name: inputs.secretName,
    }),
  );
  return found?.updated_at ?? null;
}
