import { Hono, type Context } from "hono";
import type { HttpBindings } from "@hono/node-server";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { getConnInfo } from "@hono/node-server/conninfo";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { Coolify } from "../context.ts";
import { isFields, type Json } from "../json.ts";
import { authenticate, authorise, can } from "./access.ts";
import type { Fault, Faults } from "./faults.ts";
import { limitHeaders, RateLimit } from "./rate-limit.ts";
import { PlainText, Refusal, refuse, type Reply } from "./reply.ts";
import { bodyFields, normalise, type ApiRequest, type Token } from "./request.ts";
import type { Route } from "./route.ts";

type Bindings = { Bindings: HttpBindings };
type RequestContext = Context<Bindings>;

export interface ApiOptions {
  routes: readonly Route[];
  tokens: readonly Token[];
  faults: Faults;
  /** Requests a user may make in a minute. */
  rateLimitPerMinute: number;
  /** How long such a minute is, in ms. */
  rateLimitWindowMs: number;
  /** Told of errors that became a 500. */
  report(error: unknown, name: string): void;
}

/** Failed requests (401, 403, and 404 without a token) a client may make in a minute; documented for newer releases, played from 4.4. */
const failuresPerMinute = 30;

/**
 * The HTTP surface: faults, health, the API below /api/v1 and Coolify's answer to everything unknown. Authentication comes before the
 * rate limit, so that a user's tokens share one budget (Coolify 379abb2, app/Providers/RouteServiceProvider.php).
 */
export function createApi(coolify: Coolify, options: ApiOptions): Hono<Bindings> {
  const app = new Hono<Bindings>();
  const requests = new RateLimit(options.rateLimitPerMinute, { windowMs: options.rateLimitWindowMs });
  const health = new RateLimit(1000);
  const failures = new RateLimit(failuresPerMinute);
  const countsFailures = coolify.version.atLeast("4.4");

  sandboxRoutes(app, options.faults);

  app.use("/api/*", async (context: RequestContext, next) => {
    const fault = options.faults.take(context.req.method, context.req.path);
    if (fault !== undefined && !fault.after) return applyFault(context, fault, coolify.signal);
    await next();
    if (fault !== undefined) context.res = await applyFault(context, fault, coolify.signal);
    return undefined;
  });

  for (const path of ["/api/health", "/api/v1/health"]) {
    app.get(path, (context) => {
      const allowance = health.take(address(context));
      if (!allowance.allowed) return send(context, tooMany(), limitHeaders(allowance));
      return send(context, { status: 200, body: new PlainText("OK") }, limitHeaders(allowance));
    });
  }

  app.use("/api/*", async (context: RequestContext, next) => {
    if (!countsFailures) return next();
    const bearer = context.req.header("authorization");
    const client = bearer ?? address(context);
    const allowance = failures.look(client);
    if (!allowance.allowed) return send(context, tooMany(), limitHeaders(allowance));
    await next();
    const { status } = context.res;
    if (status === 401 || status === 403 || (status === 404 && bearer === undefined)) failures.hit(client);
    return undefined;
  });

  for (const route of options.routes) {
    if (route.since !== undefined && !coolify.version.atLeast(route.since)) continue;
    app.on(route.method, `/api/v1${route.path}`, async (context) => {
      let headers: Record<string, string> = {};
      try {
        const token = authenticate(options.tokens, context.req.header("authorization"));
        const allowance = requests.take(`user ${token.user ?? 0}`);
        headers = limitHeaders(allowance);
        if (!allowance.allowed) return send(context, tooMany(), headers);
        authorise(coolify, token, route, address(context));
        const reply = await route.handle(await apiRequest(context, token));
        if (route.method !== "GET" || !coolify.version.atLeast("4.2")) await coolify.store.save();
        return send(context, reply, headers);
      } catch (error) {
        if (error instanceof Refusal) return send(context, error.reply, headers);
        options.report(error, `${route.method} ${route.path}`);
        return send(context, { status: 500, body: { message: "Server Error" } }, headers);
      }
    });
  }

  app.notFound((context) => {
    if (!context.req.path.startsWith("/api/")) return context.text("Not found.", 404);
    const allowance = requests.take(`address ${address(context)}`);
    if (!allowance.allowed) return send(context, tooMany(), limitHeaders(allowance));
    const body = { message: "Not found.", docs: "https://coolify.io/docs" };
    return send(context, { status: 404, body }, limitHeaders(allowance));
  });
  return app;
}

function sandboxRoutes(app: Hono<Bindings>, faults: Faults): void {
  app.post("/_sandbox/faults", async (context) => {
    try {
      return context.json({ faults: faults.add(await context.req.json()) }, 201);
    } catch (error) {
      return context.json({ message: error instanceof Error ? error.message : String(error) }, 422);
    }
  });
  app.delete("/_sandbox/faults", (context) => {
    faults.clear();
    return context.body(null, 204);
  });
}

async function applyFault(context: RequestContext, { effect }: Fault, signal: AbortSignal): Promise<Response> {
  switch (effect.kind) {
    case "respond":
      return send(context, { status: effect.status, body: effect.body ?? { message: "Server Error" } }, effect.headers);
    case "ok-but-nothing-done":
      return send(context, { status: 200, body: effect.body ?? { message: "OK" } });
    case "hang":
      await new Promise<void>((resolve) => {
        context.env.outgoing.once("close", resolve);
        signal.addEventListener("abort", () => resolve(), { once: true });
      });
      context.env.outgoing.destroy();
      return RESPONSE_ALREADY_SENT;
    case "drop":
      context.env.outgoing.destroy();
      return RESPONSE_ALREADY_SENT;
  }
}

async function apiRequest(context: RequestContext, token: Token): Promise<ApiRequest> {
  const query = context.req.query();
  const body = { contentType: context.req.header("content-type") ?? "", text: await context.req.text() };
  const merged = normalise({ ...query, ...bodyFields(body) });
  const trusted = token.role === undefined || token.role === "owner" || token.role === "admin";
  return {
    params: context.req.param(),
    query,
    input: isFields(merged) ? merged : {},
    body,
    token,
    teamId: token.teamId,
    sensitive: trusted && can(token, "read:sensitive"),
    can: (ability) => can(token, ability),
  };
}

function tooMany(): Reply {
  return refuse(429, "Too Many Attempts.").reply;
}

function send(context: RequestContext, reply: Reply, headers: Record<string, string> = {}): Response {
  const all = { ...headers, ...reply.headers };
  const status = reply.status as ContentfulStatusCode;
  if (reply.body instanceof PlainText) {
    return context.body(reply.body.text, status, { ...all, "content-type": "text/html; charset=UTF-8" });
  }
  return context.json<Json>(reply.body, status, all);
}

function address(context: RequestContext): string {
  return getConnInfo(context).remote.address ?? "";
}
