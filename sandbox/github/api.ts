import { randomUUID } from "node:crypto";
import { Hono } from "hono";
import { etag } from "hono/etag";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { isToken } from "./authorization.ts";
import { branchPolicies } from "./branch-policies.ts";
import { contents } from "./contents.ts";
import type { Env } from "./context.ts";
import { deployments } from "./deployments.ts";
import { environments } from "./environments.ts";
import { GithubError, notFound } from "./error.ts";
import type { Faults } from "./faults.ts";
import type { RateLimit } from "./rate-limit.ts";
import { repository } from "./repository.ts";
import { rulesets } from "./rulesets.ts";
import { secrets } from "./secrets.ts";
import type { Store } from "./store.ts";
import { users } from "./users.ts";
import { variables } from "./variables.ts";

/** Everything below a repository's own path. */
const repositoryRoutes = new Hono<Env>()
  .route("/", repository)
  .route("/environments/:environment/deployment-branch-policies", branchPolicies)
  .route("/environments/:environment/secrets", secrets)
  .route("/environments/:environment/variables", variables)
  .route("/environments", environments)
  .route("/actions/secrets", secrets)
  .route("/actions/variables", variables)
  .route("/deployments", deployments)
  .route("/rulesets", rulesets)
  .route("/contents", contents);

export interface ApiOptions {
  readonly store: Store;
  readonly faults: Faults;
  readonly limit: RateLimit;
  readonly token: string;
  /** Empty as on api.github.com, or `/api/v3` as on a GitHub Enterprise Server. */
  readonly prefix: string;
}

/** GitHub's REST API below its root. */
export function api({ store, faults, limit, token, prefix }: ApiOptions): Hono<Env> {
  const app = new Hono<Env>().basePath(prefix);
  app.onError((error, context) => {
    if (error instanceof GithubError) return context.json(error.body, error.status as ContentfulStatusCode);
    process.stderr.write(`${error.stack ?? error.message}\n`);
    return context.json({ message: "Server Error" }, 500);
  });
  app.notFound((context) => context.json(notFound().body, 404));

  app.use(async (context, next) => {
    const url = new URL(context.req.url);
    const path = url.pathname.slice(prefix.length);
    context.set("store", store);
    context.set("base", url.origin + prefix);
    context.header("x-github-request-id", randomUUID());
    context.header("x-github-media-type", "github.v3; format=json");
    context.header("x-github-api-version-selected", context.req.header("x-github-api-version") ?? "2022-11-28");
    const fault = faults.meet(context.req.method, path);
    if (fault !== undefined) {
      for (const [name, value] of Object.entries(fault.headers)) context.header(name, value);
      return context.json({ message: fault.message }, fault.status as ContentfulStatusCode);
    }
    const now = Date.now();
    const allowed = path === "/rate_limit" || limit.take(now);
    const status = limit.status(now);
    for (const [name, value] of Object.entries({ ...status, resource: "core" })) {
      context.header(`x-ratelimit-${name}`, String(value));
    }
    if (!isToken(context.req.header("authorization"), token)) {
      throw context.req.header("authorization") === undefined
        ? new GithubError(401, "Requires authentication")
        : new GithubError(401, "Bad credentials");
    }
    if (!allowed) {
      throw new GithubError(403, "API rate limit exceeded for user.", "/rest/overview/rate-limits-for-the-rest-api");
    }
    if (path === "/rate_limit") {
      const core = { ...status, resource: "core" };
      return context.json({ resources: { core }, rate: core });
    }
    await next();
  });
  app.use(etag({ weak: true }));
  app.use("/repos/:owner/:repository/*", async (context, next) => {
    const { owner, repository } = store.state;
    const asked = `${context.req.param("owner")}/${context.req.param("repository")}`;
    if (asked.toLowerCase() !== `${owner.login}/${repository.name}`.toLowerCase()) throw notFound("/rest/repos/repos");
    await next();
  });
  app.use("/repositories/:id/*", async (context, next) => {
    if (context.req.param("id") !== String(store.state.repository.id)) throw notFound("/rest/repos/repos");
    await next();
  });
  app.route("/", users);
  app.route("/repos/:owner/:repository", repositoryRoutes);
  app.route("/repositories/:repositoryId", repositoryRoutes);
  return app;
}
