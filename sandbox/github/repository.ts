import { Hono } from "hono";
import { htmlUrl, nodeId, repositoryUrl, type BranchBody, type Env, type RequestContext } from "./context.ts";
import { GithubError } from "./error.ts";
import type { Commit } from "./state.ts";
import { userBody } from "./users.ts";

const branchDocumentation = "/rest/branches/branches#get-a-branch";

/** A commit as the contents API shows it. */
export function commitBody(context: RequestContext, commit: Commit) {
  const url = `${repositoryUrl(context)}/git/commits/${commit.sha}`;
  const person = { ...commit.author, date: commit.date };
  return {
    sha: commit.sha,
    node_id: Buffer.from(`06:Commit${commit.sha}`).toString("base64"),
    url,
    html_url: `${htmlUrl(context)}/commit/${commit.sha}`,
    author: person,
    committer: person,
    message: commit.message,
    tree: { sha: commit.tree, url: `${repositoryUrl(context)}/git/trees/${commit.tree}` },
    parents:
      commit.parent === null
        ? []
        : [{ sha: commit.parent, url: `${repositoryUrl(context)}/git/commits/${commit.parent}`, html_url: "" }],
    verification: { verified: false, reason: "unsigned", signature: null, payload: null, verified_at: null },
  };
}

/** A commit as the commits and branches APIs show it. */
function fullCommit(context: RequestContext, commit: Commit): BranchBody["commit"] {
  const { sha, node_id, html_url, parents, verification, ...git } = commitBody(context, commit);
  const operator = userBody(context.var.base, context.var.store.state.operator);
  const url = `${repositoryUrl(context)}/commits/${sha}`;
  return {
    url,
    sha,
    node_id,
    html_url,
    comments_url: `${url}/comments`,
    commit: {
      url: git.url,
      author: git.author,
      committer: git.committer,
      message: git.message,
      comment_count: 0,
      tree: git.tree,
      verification,
    },
    author: operator,
    committer: operator,
    parents,
  };
}

/** The repository itself, its branches and commits. */
export const repository = new Hono<Env>()
  .get("/", (context) => {
    const { repository, owner, defaultBranch } = context.var.store.state;
    const url = repositoryUrl(context);
    return context.json({
      id: repository.id,
      node_id: nodeId("Repository", repository.id),
      name: repository.name,
      full_name: `${owner.login}/${repository.name}`,
      owner: userBody(context.var.base, owner),
      private: true,
      visibility: "private",
      html_url: htmlUrl(context),
      description: null,
      fork: false,
      url,
      archived: false,
      disabled: false,
      default_branch: defaultBranch,
      created_at: repository.createdAt,
      updated_at: repository.createdAt,
      pushed_at: context.var.store.state.commits[context.var.store.state.branches[defaultBranch] ?? ""]?.date,
      contents_url: `${url}/contents/{+path}`,
      deployments_url: `${url}/deployments`,
      permissions: { admin: true, maintain: true, push: true, triage: true, pull: true },
    });
  })
  .get("/branches/:branch", (context) => {
    const name = context.req.param("branch");
    const { state } = context.var.store;
    const commit = state.commits[state.branches[name] ?? ""];
    if (commit === undefined) throw new GithubError(404, "Branch not found", branchDocumentation);
    const url = `${repositoryUrl(context)}/branches/${encodeURIComponent(name)}`;
    return context.json({
      name,
      commit: fullCommit(context, commit),
      _links: { self: url, html: `${htmlUrl(context)}/tree/${name}` },
      protected: false,
      protection: { enabled: false },
      protection_url: `${url}/protection`,
    } satisfies BranchBody);
  })
  .get("/commits/:ref", (context) => {
    const ref = context.req.param("ref");
    const { state } = context.var.store;
    const commit = state.commits[state.branches[ref] ?? ref];
    if (commit === undefined)
      throw new GithubError(422, `No commit found for SHA: ${ref}`, "/rest/commits/commits#get-a-commit");
    return context.json(fullCommit(context, commit));
  });
