import { z } from "zod";
import { resource } from "../provider.ts";
import { github, ifThere } from "./client.ts";

/**
 * `github:index/repositoryEnvironmentDeploymentPolicy:RepositoryEnvironmentDeploymentPolicy`. Its id is
 * `<repository>:<environment>:<policy id>`.
 */
export const deploymentPolicy = resource({
  inputs: z.strictObject({ repository: z.string(), environment: z.string(), branchPattern: z.string() }),
  computed: ["policyId"],
  replaceOn: ["repository", "environment"],
  async create({ repository, environment, branchPattern }, call) {
    const { api, owner } = await github(call);
    const { data } = await api.rest.repos.createDeploymentBranchPolicy({
      owner,
      repo: repository,
      environment_name: environment,
      name: branchPattern,
      type: "branch",
    });
    return { id: `${repository}:${environment}:${data.id ?? ""}`, outputs: { policyId: `${data.id ?? ""}` } };
  },
  async read({ id, inputs }, call) {
    const { api, owner } = await github(call);
    const found = await ifThere(
      api.rest.repos.getDeploymentBranchPolicy({
        owner,
        repo: inputs.repository,
        environment_name: inputs.environment,
        branch_policy_id: policyId(id),
      }),
    );
    return found === null ? null : { inputs: { ...inputs, branchPattern: found.name ?? "" } };
  },
  async update({ id }, { repository, environment, branchPattern }, call) {
    const { api, owner } = await github(call);
    await api.rest.repos.updateDeploymentBranchPolicy({
      owner,
      repo: repository,
      environment_name: environment,
      branch_policy_id: policyId(id),
      name: branchPattern,
    });
    return {};
  },
  async delete({ id, inputs }, call) {
    const { api, owner } = await github(call);
    await ifThere(
      api.rest.repos.deleteDeploymentBranchPolicy({
        owner,
        repo: inputs.repository,
        environment_name: inputs.environment,
        branch_policy_id: policyId(id),
      }),
    );
  },
});

function policyId(id: string): number {
  return Number(id.split(":").at(-1));
}
