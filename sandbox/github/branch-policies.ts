import { Hono } from "hono";
import { z } from "zod";
import { idParam, nodeId, repositoryUrl, type BranchPolicyBody, type Env, type RequestContext } from "./context.ts";
import { GithubError, notFound, readBody } from "./error.ts";
import { environmentOf } from "./environments.ts";
import { paginate } from "./page.ts";
import type { Environment, State } from "./state.ts";

const documentation = "/rest/deployments/branch-policies";
const PolicyInput = z.strictObject({ name: z.string().min(1), type: z.enum(["branch", "tag"]).default("branch") });
const PolicyChange = z.strictObject({ name: z.string().min(1) });

type Policy = Environment["policies"][number];

function body({ id, name, type }: Policy): BranchPolicyBody {
  return { id, node_id: nodeId("GateBranchPolicy", id), name, type };
}

/** The environment, if it has policies of its own. */
function customised(state: Readonly<State>, context: RequestContext): Environment {
  const environment = environmentOf(state, context);
  if (environment.branchPolicy === "custom") return environment;
  throw new GithubError(
    404,
    "Not Found or `deployment_branch_policy.custom_branch_policies` property for the environment is set to false",
    documentation,
  );
}

function policyOf(environment: Environment, context: RequestContext): Policy {
  const policy = environment.policies.find(({ id }) => id === idParam(context, "id"));
  if (policy === undefined) throw notFound(documentation);
  return policy;
}

/** Name patterns of the branches and tags that may deploy to an environment. */
export const branchPolicies = new Hono<Env>()
  .get("/", (context) => {
    const { policies } = environmentOf(context.var.store.state, context);
    return context.json({ total_count: policies.length, branch_policies: paginate(context, policies).map(body) });
  })
  .post("/", async (context) => {
    const input = await readBody(context.req, PolicyInput, documentation);
    const { policy, existed } = await context.var.store.change((state) => {
      const environment = customised(state, context);
      const same = environment.policies.find(({ name, type }) => name === input.name && type === input.type);
      if (same !== undefined) return { policy: same, existed: true };
      const policy = { id: state.nextId++, ...input };
      environment.policies.push(policy);
      return { policy, existed: false };
    });
    if (!existed) return context.json(body(policy));
    const name = encodeURIComponent(context.req.param("environment") ?? "");
    context.header(
      "location",
      `${repositoryUrl(context)}/environments/${name}/deployment-branch-policies/${policy.id}`,
    );
    return context.body(null, 303);
  })
  .get("/:id", (context) => context.json(body(policyOf(environmentOf(context.var.store.state, context), context))))
  .put("/:id", async (context) => {
    const input = await readBody(context.req, PolicyChange, documentation);
    const policy = await context.var.store.change((state) => {
      const found = policyOf(customised(state, context), context);
      found.name = input.name;
      return found;
    });
    return context.json(body(policy));
  })
  .delete("/:id", async (context) => {
    await context.var.store.change((state) => {
      const environment = customised(state, context);
      const { id } = policyOf(environment, context);
      environment.policies = environment.policies.filter((policy) => policy.id !== id);
    });
    return context.body(null, 204);
  });
