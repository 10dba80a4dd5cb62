import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Octokit } from "octokit";
import { type Github, startGithub } from "../../../sandbox/github/server.ts";
import { root } from "../../../sandbox/setup/paths.ts";
import { type RealEngine, realEngine } from "./real-engine.ts";

const token = "token-of-the-test-github";
const place = { owner: "affexai", repo: "affexai", environment_name: "trial" };
const program = (branches: string[], url: string) => `
import * as pulumi from "@pulumi/pulumi";
import { GithubDelivery } from "${root}/components/github-delivery.ts";
new GithubDelivery("github", {
  repository: "affexai", environment: "trial", reviewers: [], branches: ${JSON.stringify(branches)},
  variables: { BACKEND_URL: "${url}" }, secrets: { BACKUP_ACCESS_KEY_ID: "hunter2hunter2" },
});
`;

describe("the stand-in for the GitHub provider", function () {
  let folder: string;
  let github: Github;
  let engine: RealEngine;
  let api: Octokit["rest"];
  const up = async (...more: string[]) => {
    const { exitCode, text } = await engine.run(["up", "--yes", "--skip-preview", ...more]);
    assert.equal(exitCode, 0, text);
    return text;
  };
  const clean = () => engine.run(["refresh", "--preview-only", "--expect-no-changes"]);

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "affexai-github-"));
    github = await startGithub({
      host: "127.0.0.1",
      port: 0,
      dir: folder,
      token,
      owner: "affexai",
      repository: "affexai",
    });
    api = new Octokit({ auth: token, baseUrl: github.url }).rest;
    engine = await realEngine("  github:owner: affexai\n", { GITHUB_BASE_URL: `${github.url}/`, GITHUB_TOKEN: token });
  });
  after(async () => {
    await engine.close();
    await github.close();
    await rm(folder, { recursive: true, force: true });
  });

  it("makes the environment with its branches, variables and sealed secrets", async () => {
    await engine.program(program(["main"], "https://api.affexai.com"));
    await up();
    const { data } = await api.actions.getEnvironmentVariable({ ...place, name: "BACKEND_URL" });
    assert.equal(data.value, "https://api.affexai.com");
    const { data: secrets } = await api.actions.listEnvironmentSecrets(place);
    assert.deepEqual(
      secrets.secrets.map(({ name }) => name),
      ["BACKUP_ACCESS_KEY_ID"],
    );
    const { data: branches } = await api.repos.listDeploymentBranchPolicies(place);
    assert.deepEqual(
      branches.branch_policies.map(({ name }) => name),
      ["main"],
    );
    assert.ok(!(await engine.state()).includes("hunter2"));
    const refresh = await clean();
    assert.equal(refresh.exitCode, 0, refresh.text);
  });

  it("updates, adds and removes only what changed, beside the component itself", async () => {
    await engine.program(program(["develop"], "https://api.example.com"));
    assert.match(await up(), /1 created[^]*2 updated[^]*1 deleted/);
    const { data: branches } = await api.repos.listDeploymentBranchPolicies(place);
    assert.deepEqual(
      branches.branch_policies.map(({ name }) => name),
      ["develop"],
    );
  });

  it("sees a variable and an environment that somebody changed, and puts them back", async () => {
    await api.actions.updateEnvironmentVariable({ ...place, name: "BACKEND_URL", value: "https://evil.example" });
    await api.repos.createOrUpdateEnvironment({ ...place, deployment_branch_policy: null });
    const drift = await clean();
    assert.equal(drift.exitCode, 7, drift.text);
    assert.match(drift.text, /github-variable-backend-url/);
    assert.match(drift.text, /github-environment/);
    await up("--refresh");
    const { data } = await api.actions.getEnvironmentVariable({ ...place, name: "BACKEND_URL" });
    assert.equal(data.value, "https://api.example.com");
    assert.equal((await clean()).exitCode, 0);
  });

  it("takes everything away when it is destroyed", async () => {
    const { exitCode, text } = await engine.run(["destroy", "--yes", "--skip-preview"]);
    assert.equal(exitCode, 0, text);
    await assert.rejects(api.repos.getEnvironment(place), { status: 404 });
  });

  it("never falls through to the real GitHub", async () => {
    const { exitCode, text } = await engine.run(["up", "--yes", "--skip-preview"], {
      GITHUB_BASE_URL: "https://api.github.com/",
    });
    assert.notEqual(exitCode, 0);
    assert.match(text, /GITHUB_BASE_URL must be an address of this machine/);
  });
});
