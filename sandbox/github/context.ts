import type { Context } from "hono";
import type { Octokit } from "octokit";
import type { Store } from "./store.ts";

/** What every route can reach. */
export interface Env {
  Variables: {
    store: Store;
    /** `http://127.0.0.1:7304/api/v3` or without the path, as the client addressed it: links in answers begin with it. */
    base: string;
  };
}
export type RequestContext = Context<Env>;

type Rest = Octokit["rest"];
type Answered<Method> = Method extends (...input: never[]) => Promise<{ data: infer Data }> ? Data : never;

/** Bodies as GitHub's published description has them, so that an answer that lacks a field does not compile. */
export type EnvironmentBody = Answered<Rest["repos"]["getEnvironment"]>;
export type BranchPolicyBody = Answered<Rest["repos"]["getDeploymentBranchPolicy"]>;
export type PublicKeyBody = Answered<Rest["actions"]["getRepoPublicKey"]>;
export type SecretBody = Answered<Rest["actions"]["getRepoSecret"]>;
export type VariableBody = Answered<Rest["actions"]["getRepoVariable"]>;
export type DeploymentBody = Answered<Rest["repos"]["getDeployment"]>;
export type DeploymentStatusBody = Answered<Rest["repos"]["getDeploymentStatus"]>;
export type UserBody = NonNullable<DeploymentBody["creator"]>;
export type BranchBody = Answered<Rest["repos"]["getBranch"]>;

/** `<base>/repos/<owner>/<name>` */
export function repositoryUrl(context: RequestContext): string {
  const { owner, repository } = context.var.store.state;
  return `${context.var.base}/repos/${owner.login}/${repository.name}`;
}

/** Where a browser would look. */
export function htmlUrl(context: RequestContext): string {
  const { owner, repository } = context.var.store.state;
  return `https://github.com/${owner.login}/${repository.name}`;
}

/** `MDEw…`: an opaque id for the GraphQL API, which is not answered here. */
export function nodeId(kind: string, id: number): string {
  return Buffer.from(`${kind.length}:${kind}${id}`).toString("base64");
}

/** A number in the path; anything else is a 404 there. */
export function idParam(context: RequestContext, name: string): number {
  const text = context.req.param(name) ?? "";
  return /^\d+$/.test(text) ? Number(text) : -1;
}
