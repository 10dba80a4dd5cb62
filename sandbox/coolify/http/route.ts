import type { Version } from "../version.ts";
import { refuse, type Reply } from "./reply.ts";
import type { Ability, ApiRequest } from "./request.ts";

type Method = "GET" | "POST" | "PATCH" | "PUT" | "DELETE";

/** One endpoint below /api/v1. */
export interface Route {
  method: Method;
  /** As hono writes it: `/projects/:uuid`. */
  path: string;
  ability: Ability;
  /** The first version that knows the route; before it the answer is 404 with `docs`. */
  since?: string;
  /** True for the switches that work while the API is off. */
  whenDisabled?: true;
  handle(request: ApiRequest): Reply | Promise<Reply>;
}

const postRequired = (): Reply => {
  throw refuse(405, "This endpoint has changed to a POST request.", { Allow: "POST" });
};

/**
 * A route that changes state. From 4.2 it is POST and GET is answered with 405; before, start, stop, restart and deploy took both and
 * the others GET only. Source: Coolify 379abb2, routes/api.php; coollabsio/coolify#10872.
 */
export function stateChange(version: Version, route: Omit<Route, "method">, before: "both" | "get" = "both"): Route[] {
  if (version.atLeast("4.2")) {
    return [
      { ...route, method: "GET", handle: postRequired },
      { ...route, method: "POST" },
    ];
  }
  const old: Route[] = [{ ...route, method: "GET" }];
  return before === "both" ? [...old, { ...route, method: "POST" }] : old;
}
