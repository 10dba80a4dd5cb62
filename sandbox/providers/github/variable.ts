import { z } from "zod";
import { resource } from "../provider.ts";
import { github, ifThere } from "./client.ts";

/** `github:index/actionsEnvironmentVariable:ActionsEnvironmentVariable`. Its id is `<repository>:<environment>:<name>`. */
export const environmentVariable = resource({
  inputs: z.strictObject({
    repository: z.string(),
    environment: z.string(),
    variableName: z.string(),
    value: z.string(),
  }),
  replaceOn: ["repository", "environment", "variableName"],
  async create({ repository, environment, variableName, value }, call) {
    const { api, owner } = await github(call);
    await api.rest.actions.createEnvironmentVariable({
      owner,
      repo: repository,
      environment_name: environment,
      name: variableName,
      value,
    });
    return { id: `${repository}:${environment}:${variableName}` };
  },
  async read({ inputs }, call) {
    const { api, owner } = await github(call);
    const found = await ifThere(
      api.rest.actions.getEnvironmentVariable({
        owner,
        repo: inputs.repository,
        environment_name: inputs.environment,
        name: inputs.variableName,
      }),
    );
    return found === null ? null : { inputs: { ...inputs, value: found.value } };
  },
  async update(_existing, { repository, environment, variableName, value }, call) {
    const { api, owner } = await github(call);
    await api.rest.actions.updateEnvironmentVariable({
      owner,
      repo: repository,
      environment_name: environment,
      name: variableName,
      value,
    });
    return {};
  },
  async delete({ inputs }, call) {
    const { api, owner } = await github(call);
    await ifThere(
      api.rest.actions.deleteEnvironmentVariable({
        owner,
        repo: inputs.repository,
        environment_name: inputs.environment,
        name: inputs.variableName,
      }),
    );
  },
});
