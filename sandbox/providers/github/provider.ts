import type { Provider } from "../provider.ts";
import { deploymentPolicy } from "./branch-policy.ts";
import { Config } from "./client.ts";
import { repositoryEnvironment } from "./environment.ts";
import { environmentSecret } from "./secret.ts";
import { environmentVariable } from "./variable.ts";

/** Environments, their branch rules, secrets and variables, at GITHUB_BASE_URL by Octokit. */
export const github: Provider = {
  config: Config,
  resources: {
    "github:index/repositoryEnvironment:RepositoryEnvironment": repositoryEnvironment,
    "github:index/repositoryEnvironmentDeploymentPolicy:RepositoryEnvironmentDeploymentPolicy": deploymentPolicy,
    "github:index/actionsEnvironmentSecret:ActionsEnvironmentSecret": environmentSecret,
    "github:index/actionsEnvironmentVariable:ActionsEnvironmentVariable": environmentVariable,
  },
  functions: {},
};
