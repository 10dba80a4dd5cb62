import * as pulumi from "@pulumi/pulumi";
import { ActionsEnvironmentSecret } from "@pulumi/github/actionsEnvironmentSecret.js";
import { ActionsEnvironmentVariable } from "@pulumi/github/actionsEnvironmentVariable.js";
import { RepositoryEnvironment } from "@pulumi/github/repositoryEnvironment.js";
import { RepositoryEnvironmentDeploymentPolicy } from "@pulumi/github/repositoryEnvironmentDeploymentPolicy.js";

export interface GithubDeliveryArgs {
  /** The application's repository, without its owner: that is the provider's. */
  repository: string;
  environment: string;
  /** Numeric ids of users who must agree before a job runs in the environment. */
  reviewers: number[];
  /** Branches whose jobs may run in the environment. */
  branches: string[];
  variables: Record<string, pulumi.Input<string>>;
  secrets: Record<string, pulumi.Input<string>>;
}

/** The environment that the application's workflows deploy through: who must agree, which branches may, what they are given. */
export class GithubDelivery extends pulumi.ComponentResource {
  static readonly __pulumiType = "affexai:github:GithubDelivery";

  constructor(name: string, args: GithubDeliveryArgs, opts?: pulumi.ComponentResourceOptions) {
    const secrets = Object.fromEntries(Object.entries(args.secrets).map(([key, value]) => [key, pulumi.secret(value)]));
    super(GithubDelivery.__pulumiType, name, { ...args, secrets }, opts);
    const { repository } = args;
    const child = { parent: this };
    const target = new RepositoryEnvironment(
      `${name}-environment`,
      {
        repository,
        environment: args.environment,
        canAdminsBypass: false,
        preventSelfReview: args.reviewers.length > 1,
        ...(args.reviewers.length === 0 ? {} : { reviewers: [{ users: args.reviewers }] }),
        deploymentBranchPolicy: { protectedBranches: false, customBranchPolicies: true },
      },
      child,
    );
    const environment = target.environment;
    for (const branch of args.branches) {
      new RepositoryEnvironmentDeploymentPolicy(
        `${name}-branch-${branch}`,
        { repository, environment, branchPattern: branch },
        child,
      );
    }
    for (const [variableName, value] of Object.entries(args.variables)) {
      new ActionsEnvironmentVariable(
        `${name}-variable-${kebab(variableName)}`,
        { repository, environment, variableName, value },
        child,
      );
    }
    for (const [secretName, value] of Object.entries(secrets)) {
      new ActionsEnvironmentSecret(
        `${name}-secret-${kebab(secretName)}`,
        { repository, environment, secretName, value },
        child,
      );
    }
    this.registerOutputs({});
  }
}

function kebab(name: string): string {
  return name.toLowerCase().replaceAll("_", "-");
}
