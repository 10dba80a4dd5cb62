import { Hono } from "hono";
import { z } from "zod";
import { htmlUrl, nodeId, repositoryUrl, type Env, type EnvironmentBody, type RequestContext } from "./context.ts";
import { GithubError, notFound, readBody } from "./error.ts";
import { paginate } from "./page.ts";
import { newKeyPair } from "./sealed-box.ts";
import { timestamp, type Environment, type State } from "./state.ts";
import { findUser, userBody } from "./users.ts";

export const documentation = "/rest/deployments/environments";
const maximumReviewers = 6;

const EnvironmentInput = z.strictObject({
  /** Minutes, up to 30 days. */
  wait_timer: z.int().min(0).max(43_200).default(0),
  prevent_self_review: z.boolean().default(false),
  can_admins_bypass: z.boolean().default(true),
  reviewers: z
    .array(z.strictObject({ type: z.enum(["User", "Team"]), id: z.int() }))
    .max(maximumReviewers, `more than ${maximumReviewers} items are not allowed`)
    .nullable()
    .default(null),
  deployment_branch_policy: z
    .strictObject({ protected_branches: z.boolean(), custom_branch_policies: z.boolean() })
    .nullable()
    .default(null),
});
type EnvironmentInput = z.infer<typeof EnvironmentInput>;

/** The environment's body. The protection rules have no ids of their own here: they are derived from the environment's. */
function body(context: RequestContext, environment: Environment): EnvironmentBody & { can_admins_bypass: boolean } {
  const { state } = context.var.store;
  const { id, name, waitTimer, preventSelfReview, branchPolicy } = environment;
  const rule = (type: string, offset: number) => ({
    id: id * 10 + offset,
    node_id: nodeId("Gate", id * 10 + offset),
    type,
  });
  const reviewers = environment.reviewers.flatMap(({ id: userId }) => {
    const user = findUser(state, userId);
    return user === undefined ? [] : [{ type: "User" as const, reviewer: userBody(context.var.base, user) }];
  });
  return {
    id,
    node_id: nodeId("Environment", id),
    name,
    url: `${repositoryUrl(context)}/environments/${encodeURIComponent(name)}`,
    html_url: `${htmlUrl(context)}/deployments/activity_log?environments_filter=${encodeURIComponent(name)}`,
    created_at: environment.createdAt,
    updated_at: environment.updatedAt,
    can_admins_bypass: environment.canAdminsBypass,
    protection_rules: [
      ...(waitTimer > 0 ? [{ ...rule("wait_timer", 1), wait_timer: waitTimer }] : []),
      ...(reviewers.length > 0
        ? [{ ...rule("required_reviewers", 2), prevent_self_review: preventSelfReview, reviewers }]
        : []),
      ...(branchPolicy === null ? [] : [rule("branch_policy", 3)]),
    ],
    deployment_branch_policy:
      branchPolicy === null
        ? null
        : { protected_branches: branchPolicy === "protected", custom_branch_policies: branchPolicy === "custom" },
  };
}

/** The environment that the path names, in this state. Throws 404. */
export function environmentOf(state: Readonly<State>, context: RequestContext): Environment {
  const name = context.req.param("environment");
  const environment = state.environments.find((candidate) => candidate.name === name);
  if (environment === undefined) throw notFound(documentation);
  return environment;
}

/** Adds an environment without protection, as a first deployment to a new name does. */
export function addEnvironment(state: State, name: string): Environment {
  const now = timestamp();
  const environment: Environment = {
    id: state.nextId++,
    name,
    createdAt: now,
    updatedAt: now,
    waitTimer: 0,
    preventSelfReview: false,
    canAdminsBypass: true,
    reviewers: [],
    branchPolicy: null,
    policies: [],
    vault: { key: newKeyPair(), secrets: {}, variables: {} },
  };
  state.environments.push(environment);
  return environment;
}

/** Puts every setting, for what a request leaves out goes back to its default. */
function apply(state: Readonly<State>, environment: Environment, input: EnvironmentInput): void {
  const policy = input.deployment_branch_policy;
  if (policy !== null && policy.protected_branches === policy.custom_branch_policies) {
    throw new GithubError(
      422,
      "Validation Failed: protected_branches and custom_branch_policies cannot have the same value",
      documentation,
    );
  }
  const reviewers = (input.reviewers ?? []).map(({ type, id }) => {
    if (type === "User" && findUser(state, id)?.type === "User") return { type, id };
    throw new GithubError(
      422,
      `Validation Failed: the reviewer ${type} ${id} has no access to this repository`,
      documentation,
    );
  });
  environment.waitTimer = input.wait_timer;
  environment.preventSelfReview = input.prevent_self_review;
  environment.canAdminsBypass = input.can_admins_bypass;
  environment.reviewers = reviewers;
  environment.branchPolicy = policy === null ? null : policy.custom_branch_policies ? "custom" : "protected";
  // Policies of one's own have no meaning, and are gone, when the environment does not ask for them.
  if (environment.branchPolicy !== "custom") environment.policies = [];
  environment.updatedAt = timestamp();
}

/** Environments with their protection rules. Deleting one takes its secrets and variables along. */
export const environments = new Hono<Env>()
  .get("/", (context) => {
    const all = context.var.store.state.environments;
    const shown = paginate(context, all).map((environment) => body(context, environment));
    return context.json({ total_count: all.length, environments: shown });
  })
  .get("/:environment", (context) => context.json(body(context, environmentOf(context.var.store.state, context))))
  .put("/:environment", async (context) => {
    const input = await readBody(context.req, EnvironmentInput, documentation);
    const name = context.req.param("environment");
    if (name.length > 255 || name.trim() === "") {
      throw new GithubError(422, "Validation Failed: Name is invalid", documentation);
    }
    const environment = await context.var.store.change((state) => {
      const existing = state.environments.find((candidate) => candidate.name === name);
      const environment = existing ?? addEnvironment(state, name);
      apply(state, environment, input);
      return environment;
    });
    return context.json(body(context, environment));
  })
  .delete("/:environment", async (context) => {
    await context.var.store.change((state) => {
      const { id } = environmentOf(state, context);
      state.environments = state.environments.filter((environment) => environment.id !== id);
    });
    return context.body(null, 204);
  });
