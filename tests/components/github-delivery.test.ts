import assert from "node:assert/strict";
import { GithubDelivery } from "../../components/github-delivery.ts";
import { deploy, mockEngine } from "../pulumi.ts";

const args = {
  repository: "affexai",
  environment: "production",
  reviewers: [1, 2],
  branches: ["main"],
  variables: { BACKEND_URL: "https://api.affexai.com" },
  secrets: { BACKUP_ACCESS_KEY_ID: "AKIA" },
};

describe("the GitHub delivery", () => {
  it("is an environment nobody bypasses, its branches, variables and secrets", async () => {
    const engine = await mockEngine();
    await deploy(() => new GithubDelivery("github", args));
    assert.deepEqual(engine.shape(), [
      "affexai:github:GithubDelivery$github:index/actionsEnvironmentSecret:ActionsEnvironmentSecret::github-secret-backup-access-key-id",
      "affexai:github:GithubDelivery$github:index/actionsEnvironmentVariable:ActionsEnvironmentVariable::github-variable-backend-url",
      "affexai:github:GithubDelivery$github:index/repositoryEnvironment:RepositoryEnvironment::github-environment",
      "affexai:github:GithubDelivery$github:index/repositoryEnvironmentDeploymentPolicy:RepositoryEnvironmentDeploymentPolicy::github-branch-main",
      "affexai:github:GithubDelivery::github",
    ]);
    assert.deepEqual(engine.named("github-environment").inputs, {
      repository: "affexai",
      environment: "production",
      canAdminsBypass: false,
      preventSelfReview: true,
      reviewers: [{ users: [1, 2] }],
      deploymentBranchPolicy: { protectedBranches: false, customBranchPolicies: true },
    });
    assert.deepEqual(engine.named("github-branch-main").inputs, {
      repository: "affexai",
      environment: "production",
      branchPattern: "main",
    });
    const secret = engine.named("github-secret-backup-access-key-id");
    assert.deepEqual(secret.inputs, {
      repository: "affexai",
      environment: "production",
      secretName: "BACKUP_ACCESS_KEY_ID",
      value: "AKIA",
    });
    assert.deepEqual(secret.secrets, ["value"]);
    assert.ok(engine.named("github").secrets.every((path) => path.startsWith("secrets")));
  });

  it("asks nobody where there are no reviewers", async () => {
    const engine = await mockEngine();
    await deploy(() => new GithubDelivery("github", { ...args, reviewers: [] }));
    const { inputs } = engine.named("github-environment");
    assert.equal(inputs["reviewers"], undefined);
    assert.equal(inputs["preventSelfReview"], false);
  });
});
