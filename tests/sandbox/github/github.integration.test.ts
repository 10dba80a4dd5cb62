import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sodium from "libsodium-wrappers";
import { Octokit, RequestError } from "octokit";
import { startGithub, type Github } from "../../../sandbox/github/server.ts";

const token = "github_pat_of_the_tests";
const repository = { owner: "affexai", repo: "affexai" };

/** A client that neither retries nor waits, so that a test sees each answer. */
function octokit(baseUrl: string, auth: string | undefined = token): Octokit {
  return new Octokit({ baseUrl, auth, retry: { enabled: false }, throttle: { enabled: false } });
}

/** Asserts that GitHub refuses with this status, and returns the body. */
async function refused(request: Promise<unknown>, status: number): Promise<Record<string, unknown>> {
  const error: unknown = await request.then(
    () => assert.fail(`was carried out, but should have been refused with ${status}`),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof RequestError, String(error));
  assert.equal(error.status, status, error.message);
  return error.response?.data as Record<string, unknown>;
}

function seal(value: string, key: string): string {
  const box = sodium.crypto_box_seal(value, Buffer.from(key, "base64"));
  return Buffer.from(box).toString("base64");
}

describe("GitHub, the sandbox's", () => {
  let dir: string;
  let running: Github;
  let github: Octokit;
  const options = () => ({ host: "127.0.0.1", port: 0, dir, token, owner: "affexai", repository: "affexai" });

  before(async () => {
    await sodium.ready;
    dir = await mkdtemp(join(tmpdir(), "github-"));
    running = await startGithub(options());
    github = octokit(running.url);
  });
  after(async () => {
    await running.close();
    await rm(dir, { recursive: true, force: true });
  });

  describe("as a whole", () => {
    it("knows the repository, its owner and the token's user", async () => {
      const { data } = await github.rest.repos.get(repository);
      assert.deepEqual([data.full_name, data.owner.login, data.default_branch], ["affexai/affexai", "affexai", "main"]);
      assert.equal((await github.rest.users.getAuthenticated()).data.login, "affexai-operator");
      assert.equal((await github.rest.users.getByUsername({ username: "AFFEXAI" })).data.type, "Organization");
      assert.equal((await github.rest.orgs.get({ org: "affexai" })).data.login, "affexai");
      await refused(github.rest.users.getByUsername({ username: "nobody" }), 404);
    });

    it("refuses requests without a token or with a wrong one, as GitHub words it", async () => {
      assert.deepEqual(await refused(octokit(running.url, "wrong").rest.repos.get(repository), 401), {
        message: "Bad credentials",
        documentation_url: "https://docs.github.com/rest",
        status: "401",
      });
      const answer = await fetch(`${running.url}/repos/affexai/affexai`);
      assert.deepEqual(
        [answer.status, ((await answer.json()) as { message: string }).message],
        [401, "Requires authentication"],
      );
    });

    it("answers 404 for what is not there, with the documentation's address", async () => {
      const body = await refused(github.rest.repos.get({ owner: "affexai", repo: "other" }), 404);
      assert.equal(body.message, "Not Found");
      assert.match(String(body.documentation_url), /^https:\/\/docs\.github\.com\/rest/);
      await refused(github.request("GET /nothing/here"), 404);
    });

    it("counts requests against the rate limit, in headers and when asked", async () => {
      const first = await github.rest.repos.get(repository);
      const second = await github.rest.repos.get(repository);
      assert.equal(first.headers["x-ratelimit-limit"], "5000");
      assert.equal(Number(first.headers["x-ratelimit-remaining"]) - Number(second.headers["x-ratelimit-remaining"]), 1);
      const { data } = await github.rest.rateLimit.get();
      assert.equal(String(data.rate.remaining), second.headers["x-ratelimit-remaining"]);
    });

    it("answers 304 to who has the newest already", async () => {
      const { headers } = await github.rest.repos.get(repository);
      assert.ok(headers.etag);
      await refused(github.rest.repos.get({ ...repository, headers: { "if-none-match": headers.etag } }), 304);
    });

    it("has the same API below /api/v3, and by the repository's number", async () => {
      const enterprise = octokit(`${running.url}/api/v3`);
      const { data } = await enterprise.rest.repos.get(repository);
      assert.equal(data.url, `${running.url}/api/v3/repos/affexai/affexai`);
      const byId = await github.request("GET /repositories/{id}/environments", { id: data.id });
      assert.equal(byId.status, 200);
      await refused(github.request("GET /repositories/999/environments"), 404);
    });

    it("refuses a body that is not JSON, has unknown keys or lacks some, all at once", async () => {
      const answer = await fetch(`${running.url}/repos/affexai/affexai/environments/x`, {
        method: "PUT",
        headers: { authorization: `Bearer ${token}` },
        body: "{",
      });
      assert.deepEqual(
        [answer.status, ((await answer.json()) as { message: string }).message],
        [400, "Problems parsing JSON"],
      );
      const route = "PUT /repos/affexai/affexai/actions/secrets/X";
      const body = await refused(github.request(route, { data: { key_id: 1, vlaue: "x" } }), 422);
      assert.match(String(body.message), /^Invalid request\.\n\n/);
      assert.match(String(body.message), /"encrypted_value" wasn't supplied\./);
      assert.match(String(body.message), /"vlaue" is not a permitted key\./);
    });

    it("plays the faults that are planned, as often as planned", async () => {
      const plan = {
        faults: [{ method: "GET", path: "/repos/*/deployments", times: 1, status: 502, message: "Server Error" }],
      };
      const planned = await fetch(`${running.url}/_sandbox/faults`, { method: "POST", body: JSON.stringify(plan) });
      assert.equal(planned.status, 201);
      await refused(github.rest.repos.listDeployments(repository), 502);
      assert.equal((await github.rest.repos.listDeployments(repository)).status, 200);
      const wrong = await fetch(`${running.url}/_sandbox/faults`, { method: "POST", body: '{"faults":[{"pth":"x"}]}' });
      assert.equal(wrong.status, 422);
      assert.equal((await fetch(`${running.url}/_sandbox/faults`, { method: "DELETE" })).status, 204);
    });
  });

  describe("environments", () => {
    it("have protection rules, which a second put replaces", async () => {
      const environment = { ...repository, environment_name: "production" };
      const put = await github.rest.repos.createOrUpdateEnvironment({
        ...environment,
        wait_timer: 30,
        prevent_self_review: true,
        reviewers: [{ type: "User", id: 2 }],
        deployment_branch_policy: { protected_branches: false, custom_branch_policies: true },
        can_admins_bypass: false,
      });
      assert.deepEqual(put.data, (await github.rest.repos.getEnvironment(environment)).data);
      const rules = put.data.protection_rules ?? [];
      assert.deepEqual(
        rules.map(({ type }) => type),
        ["wait_timer", "required_reviewers", "branch_policy"],
      );
      assert.equal((put.data as { can_admins_bypass?: boolean }).can_admins_bypass, false);
      const bare = await github.rest.repos.createOrUpdateEnvironment(environment);
      assert.deepEqual(
        [bare.data.id, bare.data.protection_rules, bare.data.deployment_branch_policy],
        [put.data.id, [], null],
      );
      await github.rest.repos.deleteAnEnvironment(environment);
      await refused(github.rest.repos.getEnvironment(environment), 404);
      await refused(github.rest.repos.deleteAnEnvironment(environment), 404);
    });

    it("refuse what GitHub refuses: both kinds of branches or neither, too long a wait, unknown or too many reviewers", async () => {
      const environment = { ...repository, environment_name: "strict" };
      const put = (settings: object) => github.rest.repos.createOrUpdateEnvironment({ ...environment, ...settings });
      const both = { protected_branches: true, custom_branch_policies: true };
      await refused(put({ deployment_branch_policy: both }), 422);
      await refused(
        put({ deployment_branch_policy: { protected_branches: false, custom_branch_policies: false } }),
        422,
      );
      await refused(put({ wait_timer: 43_201 }), 422);
      await refused(put({ reviewers: [{ type: "User", id: 4711 }] }), 422);
      await refused(put({ reviewers: Array.from({ length: 7 }, () => ({ type: "User", id: 2 })) }), 422);
      await refused(github.rest.repos.getEnvironment(environment), 404);
    });

    it("may have any name, slashes included", async () => {
      const environment = { ...repository, environment_name: "preview/pull request 1" };
      await github.rest.repos.createOrUpdateEnvironment(environment);
      assert.equal((await github.rest.repos.getEnvironment(environment)).data.name, environment.environment_name);
    });

    it("have branch and tag patterns of their own, where their policy asks for them", async () => {
      const environment = { ...repository, environment_name: "patterns" };
      await github.rest.repos.createOrUpdateEnvironment(environment);
      await refused(github.rest.repos.createDeploymentBranchPolicy({ ...environment, name: "main" }), 404);
      const deployment_branch_policy = { protected_branches: false, custom_branch_policies: true };
      await github.rest.repos.createOrUpdateEnvironment({ ...environment, deployment_branch_policy });
      const { data: policy } = await github.rest.repos.createDeploymentBranchPolicy({ ...environment, name: "main" });
      await github.rest.repos.createDeploymentBranchPolicy({ ...environment, name: "v*", type: "tag" });
      const id = { ...environment, branch_policy_id: policy.id ?? 0 };
      await github.rest.repos.updateDeploymentBranchPolicy({ ...id, name: "release/*" });
      assert.equal((await github.rest.repos.getDeploymentBranchPolicy(id)).data.name, "release/*");
      const { data } = await github.rest.repos.listDeploymentBranchPolicies(environment);
      assert.deepEqual(
        data.branch_policies.map(({ name, type }) => [name, type]),
        [
          ["release/*", "branch"],
          ["v*", "tag"],
        ],
      );
      await github.rest.repos.deleteDeploymentBranchPolicy(id);
      await refused(github.rest.repos.getDeploymentBranchPolicy(id), 404);
    });

    it("are listed page by page, with links to the others", async () => {
      for (const name of ["page-1", "page-2", "page-3"]) {
        await github.rest.repos.createOrUpdateEnvironment({ ...repository, environment_name: name });
      }
      const page = await github.rest.repos.getAllEnvironments({ ...repository, per_page: 2, page: 1 });
      assert.match(page.headers.link ?? "", /<http[^>]+page=2[^>]*>; rel="next", <[^>]+>; rel="last"/);
      const all = await github.paginate("GET /repos/{owner}/{repo}/environments", { ...repository, per_page: 2 });
      assert.equal(all.length, page.data.total_count);
      assert.ok(all.length >= 3);
    });
  });

  describe("secrets and variables", () => {
    const environment = { ...repository, environment_name: "vault" };
    before(() => github.rest.repos.createOrUpdateEnvironment(environment));

    async function opened(): Promise<{
      repository: Record<string, string>;
      environments: Record<string, Record<string, string>>;
    }> {
      const answer = await fetch(`${running.url}/_sandbox/secrets`, { headers: { authorization: `Bearer ${token}` } });
      assert.equal(answer.status, 200);
      return (await answer.json()) as Awaited<ReturnType<typeof opened>>;
    }

    it("take a secret sealed for the environment's key, and never give it back", async () => {
      const { data: key } = await github.rest.actions.getEnvironmentPublicKey(environment);
      const secret = { ...environment, secret_name: "coolify_token" };
      const put = (value: string) =>
        github.rest.actions.createOrUpdateEnvironmentSecret({
          ...secret,
          encrypted_value: seal(value, key.key),
          key_id: key.key_id,
        });
      assert.equal((await put("first")).status, 201);
      assert.equal((await put("sëcond")).status, 204);
      const { data } = await github.rest.actions.getEnvironmentSecret(secret);
      assert.deepEqual(Object.keys(data), ["name", "created_at", "updated_at"]);
      assert.equal(data.name, "COOLIFY_TOKEN");
      assert.equal((await opened()).environments["vault"]?.["COOLIFY_TOKEN"], "sëcond");
      const { data: list } = await github.rest.actions.listEnvironmentSecrets(environment);
      assert.deepEqual(
        list.secrets.map(({ name }) => name),
        ["COOLIFY_TOKEN"],
      );
      await github.rest.actions.deleteEnvironmentSecret(secret);
      await refused(github.rest.actions.getEnvironmentSecret(secret), 404);
    });

    it("keep the repository's apart from the environment's", async () => {
      const { data: key } = await github.rest.actions.getRepoPublicKey(repository);
      const { data: other } = await github.rest.actions.getEnvironmentPublicKey(environment);
      assert.notEqual(key.key_id, other.key_id);
      const encrypted_value = seal("of the repository", key.key);
      await github.rest.actions.createOrUpdateRepoSecret({
        ...repository,
        secret_name: "SHARED",
        encrypted_value,
        key_id: key.key_id,
      });
      const { repository: shared, environments } = await opened();
      assert.deepEqual([shared["SHARED"], environments["vault"]?.["SHARED"]], ["of the repository", undefined]);
    });

    it("refuse a box that was sealed for another key, is none, or names another key", async () => {
      const { data: key } = await github.rest.actions.getEnvironmentPublicKey(environment);
      const { data: other } = await github.rest.actions.getRepoPublicKey(repository);
      const put = (encrypted_value: string, key_id: string) =>
        github.rest.actions.createOrUpdateEnvironmentSecret({
          ...environment,
          secret_name: "BAD",
          encrypted_value,
          key_id,
        });
      await refused(put(seal("x", other.key), key.key_id), 422);
      await refused(put("bm8gYm94", key.key_id), 422);
      await refused(put(seal("x", key.key), other.key_id), 422);
      await refused(put(seal("x".repeat(48 * 1024 + 1), key.key), key.key_id), 422);
      assert.equal((await opened()).environments["vault"]?.["BAD"], undefined);
    });

    it("refuse names that GitHub refuses", async () => {
      const { data: key } = await github.rest.actions.getRepoPublicKey(repository);
      for (const secret_name of ["GITHUB_TOKEN", "github_x", "1ST", "WITH-HYPHEN", "WITH SPACE"]) {
        const input = { ...repository, secret_name, encrypted_value: seal("x", key.key), key_id: key.key_id };
        await refused(github.rest.actions.createOrUpdateRepoSecret(input), 422);
        await refused(github.rest.actions.createRepoVariable({ ...repository, name: secret_name, value: "x" }), 422);
      }
    });

    it("show opened secrets only to who has the token", async () => {
      assert.equal((await fetch(`${running.url}/_sandbox/secrets`)).status, 401);
    });

    it("keep variables in the open: created once, changed, renamed, deleted", async () => {
      const create = { ...environment, name: "region", value: "eu-central-1" };
      assert.equal((await github.rest.actions.createEnvironmentVariable(create)).status, 201);
      await refused(github.rest.actions.createEnvironmentVariable(create), 409);
      await github.rest.actions.updateEnvironmentVariable({ ...environment, name: "REGION", value: "eu-west-1" });
      const { data } = await github.rest.actions.getEnvironmentVariable({ ...environment, name: "REGION" });
      assert.deepEqual([data.name, data.value], ["REGION", "eu-west-1"]);
      await github.rest.actions.deleteEnvironmentVariable({ ...environment, name: "REGION" });
      await refused(github.rest.actions.getEnvironmentVariable({ ...environment, name: "REGION" }), 404);
      await github.rest.actions.createRepoVariable({ ...repository, name: "OF_REPOSITORY", value: "1" });
      const { data: list } = await github.rest.actions.listRepoVariables(repository);
      assert.deepEqual(
        list.variables.map(({ name }) => name),
        ["OF_REPOSITORY"],
      );
    });
  });

  describe("deployments", () => {
    const sha = "0123456789abcdef0123456789abcdef01234567";
    const deploy = async (settings: object = {}) => {
      const { data } = await github.rest.repos.createDeployment({
        ...repository,
        ref: sha,
        environment: "staging",
        ...settings,
      });
      assert.ok("id" in data);
      return data;
    };
    const succeed = (deployment_id: number, settings: object = {}) =>
      github.rest.repos.createDeploymentStatus({ ...repository, deployment_id, state: "success", ...settings });
    const newestState = async (deployment_id: number) =>
      (await github.rest.repos.listDeploymentStatuses({ ...repository, deployment_id })).data[0]?.state;

    it("keep what they were made with, and make their environment", async () => {
      const data = await deploy({ payload: { attempt: "7" }, description: "release 7" });
      assert.deepEqual([data.sha, data.payload, data.environment], [sha, { attempt: "7" }, "staging"]);
      const { data: found } = await github.rest.repos.listDeployments({ ...repository, sha, environment: "staging" });
      assert.deepEqual(found[0], data);
      const { data: none } = await github.rest.repos.listDeployments({ ...repository, environment: "elsewhere" });
      assert.deepEqual(none, []);
      await github.rest.repos.getEnvironment({ ...repository, environment_name: "staging" });
    });

    it("become inactive when a later one of their environment succeeds, but not in production", async () => {
      for (const [environment, expected] of [
        ["staging", "inactive"],
        ["production", "success"],
      ] as const) {
        const first = await deploy({ environment });
        const status = await succeed(first.id, { environment_url: "https://affexai.example" });
        assert.deepEqual([status.data.state, status.data.environment_url], ["success", "https://affexai.example"]);
        const second = await deploy({ environment });
        await succeed(second.id);
        assert.deepEqual([await newestState(first.id), await newestState(second.id)], [expected, "success"]);
      }
    });

    it("refuse unknown refs and states, and keep active ones", async () => {
      assert.match(String((await refused(deploy({ ref: "no-such-branch" }), 422)).message), /No ref found/);
      const { id } = await deploy({ ref: "main" });
      await refused(
        github.request("POST /repos/affexai/affexai/deployments/{id}/statuses", { id, state: "done" }),
        422,
      );
      await succeed(id);
      await refused(github.rest.repos.deleteDeployment({ ...repository, deployment_id: id }), 422);
      await succeed(id, { state: "inactive" });
      await github.rest.repos.deleteDeployment({ ...repository, deployment_id: id });
      await refused(github.rest.repos.getDeployment({ ...repository, deployment_id: id }), 404);
    });
  });

  describe("rulesets", () => {
    it("are made, changed, listed and deleted", async () => {
      const { data } = await github.rest.repos.createRepoRuleset({
        ...repository,
        name: "main is reviewed",
        enforcement: "active",
        conditions: { ref_name: { include: ["~DEFAULT_BRANCH"], exclude: [] } },
        rules: [
          { type: "deletion" },
          { type: "required_deployments", parameters: { required_deployment_environments: ["staging"] } },
        ],
      });
      assert.deepEqual([data.target, data.source, data.rules?.length], ["branch", "affexai/affexai", 2]);
      const id = { ...repository, ruleset_id: data.id };
      await github.rest.repos.updateRepoRuleset({ ...id, enforcement: "disabled" });
      const { data: changed } = await github.rest.repos.getRepoRuleset(id);
      assert.deepEqual([changed.enforcement, changed.name, changed.rules?.length], ["disabled", "main is reviewed", 2]);
      const doubled = { ...repository, name: "main is reviewed", enforcement: "active" as const };
      const body = await refused(github.rest.repos.createRepoRuleset(doubled), 422);
      assert.deepEqual(body.errors, [
        { resource: "RepositoryRuleset", field: "name", code: "custom", message: "Name must be unique" },
      ]);
      await refused(github.request("POST /repos/affexai/affexai/rulesets", { name: "x", enforcement: "always" }), 422);
      await github.rest.repos.deleteRepoRuleset(id);
      await refused(github.rest.repos.getRepoRuleset(id), 404);
    });
  });

  describe("contents", () => {
    const path = ".github/workflows/deploy.yml";
    const content = (text: string) => Buffer.from(text).toString("base64");

    it("are put with git's own SHAs, updated only over the SHA that is meant, and deleted", async () => {
      const file = { ...repository, path, message: "Deploy" };
      const { data: created, status } = await github.rest.repos.createOrUpdateFileContents({
        ...file,
        content: content("hello\n"),
      });
      // `echo hello | git hash-object --stdin`
      assert.deepEqual([status, created.content?.sha], [201, "ce013625030ba8dba906f756967f9e9ca394464a"]);
      const { data: read } = await github.rest.repos.getContent({ ...repository, path });
      assert.ok(!Array.isArray(read) && read.type === "file");
      assert.equal(Buffer.from(read.content, "base64").toString(), "hello\n");
      const again = { ...file, content: content("hello again\n") };
      assert.match(
        String((await refused(github.rest.repos.createOrUpdateFileContents(again), 422)).message),
        /"sha" wasn't supplied/,
      );
      await refused(github.rest.repos.createOrUpdateFileContents({ ...again, sha: "0".repeat(40) }), 409);
      const { data: updated } = await github.rest.repos.createOrUpdateFileContents({ ...again, sha: read.sha });
      const { data: branch } = await github.rest.repos.getBranch({ ...repository, branch: "main" });
      assert.equal(branch.commit.sha, updated.commit.sha);
      assert.equal(updated.commit.parents?.[0]?.sha, created.commit.sha);
      const { data: folder } = await github.rest.repos.getContent({ ...repository, path: ".github" });
      assert.ok(Array.isArray(folder));
      assert.deepEqual(
        folder.map(({ name, type }) => [name, type]),
        [["workflows", "dir"]],
      );
      await github.rest.repos.deleteFile({ ...file, sha: updated.content?.sha ?? "" });
      await refused(github.rest.repos.getContent({ ...repository, path }), 404);
    });

    it("go only to branches that exist, and only as base64", async () => {
      const file = { ...repository, path: "a", message: "x", content: content("x") };
      await refused(github.rest.repos.createOrUpdateFileContents({ ...file, branch: "none" }), 404);
      await refused(github.rest.repos.createOrUpdateFileContents({ ...file, content: "not base64!" }), 422);
    });
  });

  it("is the same after a restart", async () => {
    const environment = { ...repository, environment_name: "kept" };
    await github.rest.repos.createOrUpdateEnvironment({ ...environment, wait_timer: 5 });
    const { data: key } = await github.rest.actions.getEnvironmentPublicKey(environment);
    const { data: before } = await github.rest.repos.getEnvironment(environment);
    await running.close();
    running = await startGithub(options());
    github = octokit(running.url);
    const { data: after } = await github.rest.repos.getEnvironment(environment);
    assert.deepEqual([after.id, after.protection_rules], [before.id, before.protection_rules]);
    assert.equal((await github.rest.actions.getEnvironmentPublicKey(environment)).data.key_id, key.key_id);
  });
});
