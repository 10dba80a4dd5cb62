import { z } from "zod";
import { type Call, resource } from "../provider.ts";
import { github, ifThere } from "./client.ts";

const Inputs = z.strictObject({
  repository: z.string(),
  environment: z.string(),
  canAdminsBypass: z.boolean(),
  preventSelfReview: z.boolean(),
  reviewers: z.array(z.strictObject({ users: z.array(z.int()) })).optional(),
  deploymentBranchPolicy: z.strictObject({ protectedBranches: z.boolean(), customBranchPolicies: z.boolean() }),
});
type Inputs = z.output<typeof Inputs>;

/** `github:index/repositoryEnvironment:RepositoryEnvironment`. Its id is `<repository>:<environment>`. */
export const repositoryEnvironment = resource({
  inputs: Inputs,
  replaceOn: ["repository", "environment"],
  async create(inputs, call) {
    await put(inputs, call);
    return { id: `${inputs.repository}:${inputs.environment}` };
  },
  async read({ inputs }, call) {
    const { api, owner } = await github(call);
    const found = await ifThere(
      api.rest.repos.getEnvironment({ owner, repo: inputs.repository, environment_name: inputs.environment }),
    );
    if (found === null) return null;
    const review = found.protection_rules?.find((rule) => rule.type === "required_reviewers");
    const required = review !== undefined && "reviewers" in review ? review : undefined;
    const users = (required?.reviewers ?? []).map(({ reviewer }) => (reviewer as { id: number }).id);
    const branches = found.deployment_branch_policy;
    return {
      inputs: {
        repository: inputs.repository,
        environment: inputs.environment,
        // The typings of Octokit leave this field out.
        canAdminsBypass: (found as { can_admins_bypass?: boolean }).can_admins_bypass ?? true,
        preventSelfReview: required === undefined ? inputs.preventSelfReview : required.prevent_self_review === true,
        reviewers: users.length === 0 ? undefined : [{ users }],
        deploymentBranchPolicy: {
          protectedBranches: branches?.protected_branches ?? false,
          customBranchPolicies: branches?.custom_branch_policies ?? false,
        },
      },
    };
  },
  async update(_existing, inputs, call) {
    await put(inputs, call);
    return {};
  },
  async delete({ inputs }, call) {
    const { api, owner } = await github(call);
    await ifThere(
      api.rest.repos.deleteAnEnvironment({ owner, repo: inputs.repository, environment_name: inputs.environment }),
    );
  },
});

async function put(inputs: Inputs, call: Call): Promise<void> {
  const { api, owner } = await github(call);
  await api.request("PUT /repos/{owner}/{repo}/environments/{environment_name}", {
    owner,
    repo: inputs.repository,
    environment_name: inputs.environment,
    wait_timer: 0,
    prevent_self_review: inputs.preventSelfReview,
    can_admins_bypass: inputs.canAdminsBypass,
    reviewers: (inputs.reviewers ?? []).flatMap(({ users }) => users.map((id) => ({ type: "User" as const, id }))),
    deployment_branch_policy: {
      protected_branches: inputs.deploymentBranchPolicy.protectedBranches,
      custom_branch_policies: inputs.deploymentBranchPolicy.customBranchPolicies,
    },
  });
}
