import { Hono } from "hono";
import { z } from "zod";
import { htmlUrl, repositoryUrl, type Env, type RequestContext } from "./context.ts";
import { GithubError, notFound, readBody } from "./error.ts";
import { commitFiles } from "./git-objects.ts";
import { commitBody } from "./repository.ts";
import type { Commit, State } from "./state.ts";

const documentation = "/rest/repos/contents";
const base64 = z.string().refine((text) => /^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(text), "is not valid Base64");
const Person = z.strictObject({ name: z.string(), email: z.string(), date: z.string().optional() });
const common = {
  message: z.string().min(1),
  branch: z.string().optional(),
  committer: Person.optional(),
  author: Person.optional(),
};
const FileInput = z.strictObject({ ...common, content: base64, sha: z.string().optional() });
const FileRemoval = z.strictObject({ ...common, sha: z.string() });

function entry(context: RequestContext, commit: Commit, path: string, type: "file" | "dir") {
  const sha = commit.files[path];
  const size = sha === undefined ? 0 : Buffer.from(context.var.store.state.blobs[sha] ?? "", "base64").length;
  const url = `${repositoryUrl(context)}/contents/${path}?ref=${commit.sha}`;
  const git = sha === undefined ? null : `${repositoryUrl(context)}/git/blobs/${sha}`;
  const html = `${htmlUrl(context)}/${type === "file" ? "blob" : "tree"}/${commit.sha}/${path}`;
  return {
    type,
    size,
    name: path.split("/").at(-1) ?? "",
    path,
    sha: sha ?? "",
    url,
    git_url: git,
    html_url: html,
    download_url: null,
    _links: { self: url, git, html },
  };
}

function file(context: RequestContext, commit: Commit, path: string) {
  const content = context.var.store.state.blobs[commit.files[path] ?? ""] ?? "";
  // GitHub breaks the lines after 60 characters, and ends the last one.
  const lines = content.replaceAll(/.{60}/g, "$&\n");
  return {
    ...entry(context, commit, path, "file"),
    encoding: "base64",
    content: lines === "" || lines.endsWith("\n") ? lines : `${lines}\n`,
  };
}

/** Files and folders directly below a path. */
function folder(context: RequestContext, commit: Commit, path: string) {
  const prefix = path === "" ? "" : `${path}/`;
  const names = new Map<string, "file" | "dir">();
  for (const other of Object.keys(commit.files).filter((other) => other.startsWith(prefix))) {
    const [name = "", ...deeper] = other.slice(prefix.length).split("/");
    names.set(name, deeper.length === 0 ? "file" : "dir");
  }
  return [...names]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, type]) => entry(context, commit, prefix + name, type));
}

/** The commit of a branch or SHA. Throws 404, as GitHub does. */
function commitOf(state: Readonly<State>, ref: string): Commit {
  const commit = state.commits[state.branches[ref.replace(/^refs\/heads\//, "")] ?? ref];
  if (commit === undefined) throw new GithubError(404, `No commit found for the ref ${ref}`, documentation);
  return commit;
}

function read(context: RequestContext) {
  const { state } = context.var.store;
  const commit = commitOf(state, context.req.query("ref") ?? state.defaultBranch);
  const path = pathOf(context);
  if (commit.files[path] !== undefined) return file(context, commit, path);
  const listed = folder(context, commit, path);
  if (listed.length === 0 && path !== "") throw notFound(`${documentation}#get-repository-content`);
  return listed;
}

function pathOf(context: RequestContext): string {
  return (context.req.param("path") ?? "").replace(/\/+$/, "");
}

function branchOf(state: Readonly<State>, branch: string | undefined): string {
  const name = branch ?? state.defaultBranch;
  if (state.branches[name] === undefined) throw new GithubError(404, `Branch ${name} not found`, documentation);
  return name;
}

/** Files of the repository, one commit a change. The blob's SHA guards an update: 409 when it is another's, 422 when it is missing. */
export const contents = new Hono<Env>()
  .get("/", (context) => context.json(read(context)))
  .get("/:path{.+}", (context) => context.json(read(context)))
  .put("/:path{.+}", async (context) => {
    const input = await readBody(context.req, FileInput, documentation);
    const path = pathOf(context);
    if (path.split("/").some((name) => name === "" || name === "." || name === ".." || name === ".git")) {
      throw new GithubError(422, "path contains a malformed path component", documentation);
    }
    const { commit, created } = await context.var.store.change((state) => {
      const branch = branchOf(state, input.branch);
      const present = commitOf(state, branch).files[path];
      if (present !== undefined && input.sha === undefined) {
        throw new GithubError(422, `Invalid request.\n\n"sha" wasn't supplied.`, documentation);
      }
      checkSha(path, present, input.sha);
      const commit = commitFiles(state, branch, input.message, (files, keep) => {
        files[path] = keep(Buffer.from(input.content, "base64"));
      });
      return { commit, created: present === undefined };
    });
    return context.json(
      { content: entry(context, commit, path, "file"), commit: commitBody(context, commit) },
      created ? 201 : 200,
    );
  })
  .delete("/:path{.+}", async (context) => {
    const input = await readBody(context.req, FileRemoval, documentation);
    const path = pathOf(context);
    const commit = await context.var.store.change((state) => {
      const branch = branchOf(state, input.branch);
      const present = commitOf(state, branch).files[path];
      if (present === undefined) throw notFound(documentation);
      checkSha(path, present, input.sha);
      return commitFiles(state, branch, input.message, (files) => {
        delete files[path];
      });
    });
    return context.json({ content: null, commit: commitBody(context, commit) });
  });

function checkSha(path: string, present: string | undefined, given: string | undefined): void {
  if (given === undefined || given === present) return;
  throw new GithubError(409, `${path} does not match ${given}`, documentation);
}
