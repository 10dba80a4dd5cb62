import { Hono } from "hono";
import { z } from "zod";
import {
  idParam,
  nodeId,
  repositoryUrl,
  type DeploymentBody,
  type DeploymentStatusBody,
  type Env,
  type RequestContext,
} from "./context.ts";
import { addEnvironment } from "./environments.ts";
import { GithubError, notFound, readBody, validationFailed } from "./error.ts";
import { paginate } from "./page.ts";
import { deploymentStates, timestamp, type Deployment, type DeploymentStatus, type State } from "./state.ts";
import { userBody } from "./users.ts";

const documentation = "/rest/deployments/deployments";
const statusDocumentation = "/rest/deployments/statuses";

const DeploymentInput = z.strictObject({
  ref: z.string().min(1),
  task: z.string().default("deploy"),
  auto_merge: z.boolean().default(true),
  required_contexts: z.array(z.string()).optional(),
  payload: z.union([z.record(z.string(), z.json()), z.string()]).default({}),
  environment: z.string().default("production"),
  description: z.string().nullable().default(null),
  transient_environment: z.boolean().default(false),
  production_environment: z.boolean().optional(),
});

const StatusInput = z.strictObject({
  state: z.enum(deploymentStates),
  target_url: z.string().optional(),
  log_url: z.string().default(""),
  description: z.string().max(140, "is too long (maximum is 140 characters)").default(""),
  environment: z.string().optional(),
  environment_url: z.string().default(""),
  auto_inactive: z.boolean().default(true),
});

function body(context: RequestContext, deployment: Deployment): DeploymentBody {
  const { id, sha, ref, task, environment, description } = deployment;
  const url = `${repositoryUrl(context)}/deployments/${id}`;
  return {
    url,
    id,
    node_id: nodeId("Deployment", id),
    sha,
    ref,
    task,
    payload: deployment.payload,
    original_environment: environment,
    environment,
    description,
    creator: userBody(context.var.base, context.var.store.state.operator),
    created_at: deployment.createdAt,
    updated_at: deployment.updatedAt,
    statuses_url: `${url}/statuses`,
    repository_url: repositoryUrl(context),
    transient_environment: deployment.transient,
    production_environment: deployment.production,
  };
}

function statusBody(context: RequestContext, deployment: Deployment, status: DeploymentStatus): DeploymentStatusBody {
  const deploymentUrl = `${repositoryUrl(context)}/deployments/${deployment.id}`;
  return {
    url: `${deploymentUrl}/statuses/${status.id}`,
    id: status.id,
    node_id: nodeId("DeploymentStatus", status.id),
    state: status.state,
    creator: userBody(context.var.base, context.var.store.state.operator),
    description: status.description,
    environment: status.environment,
    target_url: status.logUrl,
    log_url: status.logUrl,
    environment_url: status.environmentUrl,
    created_at: status.createdAt,
    updated_at: status.updatedAt,
    deployment_url: deploymentUrl,
    repository_url: repositoryUrl(context),
  };
}

function deploymentOf(state: Readonly<State>, context: RequestContext): Deployment {
  const deployment = state.deployments.find(({ id }) => id === idParam(context, "id"));
  if (deployment === undefined) throw notFound(documentation);
  return deployment;
}

/** The commit of a ref. Commits are not pushed here, so a full SHA counts as one that exists; a branch has to. */
function resolve(state: Readonly<State>, ref: string): string {
  const sha = /^[0-9a-f]{40}$/.test(ref) ? ref : state.branches[ref.replace(/^refs\/heads\//, "")];
  if (sha === undefined) throw new GithubError(422, `No ref found for: ${ref}`, documentation);
  return sha;
}

function newStatus(state: State, deployment: Deployment, input: z.infer<typeof StatusInput>): DeploymentStatus {
  const now = timestamp();
  const status = {
    id: state.nextId++,
    state: input.state,
    description: input.description,
    environment: input.environment ?? deployment.environment,
    environmentUrl: input.environment_url,
    logUrl: input.log_url === "" ? (input.target_url ?? "") : input.log_url,
    createdAt: now,
    updatedAt: now,
  };
  deployment.statuses.unshift(status);
  deployment.updatedAt = now;
  return status;
}

/** A success makes the earlier, lasting deployments of its environment inactive, those to production excepted. */
function retireEarlier(state: State, deployment: Deployment): void {
  for (const other of state.deployments) {
    const earlier = other.id < deployment.id && other.environment === deployment.environment;
    if (!earlier || other.transient || other.production || other.statuses[0]?.state !== "success") continue;
    newStatus(state, other, {
      state: "inactive",
      description: "",
      log_url: "",
      environment_url: "",
      auto_inactive: false,
    });
  }
}

/** Deployments and their statuses. */
export const deployments = new Hono<Env>()
  .get("/", (context) => {
    const fits = (name: "sha" | "ref" | "task" | "environment") => (deployment: Deployment) => {
      const wanted = context.req.query(name);
      return wanted === undefined || wanted === "none" || deployment[name] === wanted;
    };
    const found = context.var.store.state.deployments
      .filter(fits("sha"))
      .filter(fits("ref"))
      .filter(fits("task"))
      .filter(fits("environment"))
      .toReversed();
    return context.json(paginate(context, found).map((deployment) => body(context, deployment)));
  })
  .post("/", async (context) => {
    const input = await readBody(context.req, DeploymentInput, documentation);
    const deployment = await context.var.store.change((state) => {
      const sha = resolve(state, input.ref);
      if (input.required_contexts !== undefined && input.required_contexts.length > 0) {
        throw new GithubError(409, "Conflict: Commit status checks failed for the required contexts.", documentation);
      }
      if (!state.environments.some(({ name }) => name === input.environment)) addEnvironment(state, input.environment);
      const now = timestamp();
      const deployment: Deployment = {
        id: state.nextId++,
        sha,
        ref: input.ref,
        task: input.task,
        payload: input.payload,
        environment: input.environment,
        description: input.description,
        transient: input.transient_environment,
        production: input.production_environment ?? input.environment === "production",
        createdAt: now,
        updatedAt: now,
        statuses: [],
      };
      state.deployments.push(deployment);
      return deployment;
    });
    return context.json(body(context, deployment), 201);
  })
  .get("/:id", (context) => context.json(body(context, deploymentOf(context.var.store.state, context))))
  .delete("/:id", async (context) => {
    await context.var.store.change((state) => {
      const deployment = deploymentOf(state, context);
      const active = deployment.statuses[0]?.state !== "inactive";
      if (active && state.deployments.length > 1) {
        throw validationFailed(documentation, {
          resource: "Deployment",
          code: "custom",
          message: "We cannot delete an active deployment unless it is the only deployment in a given environment.",
        });
      }
      state.deployments = state.deployments.filter((other) => other !== deployment);
    });
    return context.body(null, 204);
  })
  .get("/:id/statuses", (context) => {
    const deployment = deploymentOf(context.var.store.state, context);
    const shown = paginate(context, deployment.statuses).map((status) => statusBody(context, deployment, status));
    return context.json(shown);
  })
  .post("/:id/statuses", async (context) => {
    const input = await readBody(context.req, StatusInput, statusDocumentation);
    const { deployment, status } = await context.var.store.change((state) => {
      const deployment = deploymentOf(state, context);
      const status = newStatus(state, deployment, input);
      if (input.state === "success" && input.auto_inactive) retireEarlier(state, deployment);
      return { deployment, status };
    });
    return context.json(statusBody(context, deployment, status), 201);
  })
  .get("/:id/statuses/:status", (context) => {
    const deployment = deploymentOf(context.var.store.state, context);
    const status = deployment.statuses.find(({ id }) => id === idParam(context, "status"));
    if (status === undefined) throw notFound(statusDocumentation);
    return context.json(statusBody(context, deployment, status));
  });
