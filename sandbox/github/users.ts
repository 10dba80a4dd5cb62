import { Hono } from "hono";
import { nodeId, type Env, type UserBody } from "./context.ts";
import { notFound } from "./error.ts";
import type { State, User } from "./state.ts";

/** A user as answers show one. */
export function userBody(base: string, { login, id, type }: User): UserBody {
  const url = `${base}/users/${login}`;
  return {
    login,
    id,
    node_id: nodeId("User", id),
    avatar_url: "",
    gravatar_id: "",
    url,
    html_url: `https://github.com/${login}`,
    followers_url: `${url}/followers`,
    following_url: `${url}/following{/other_user}`,
    gists_url: `${url}/gists{/gist_id}`,
    starred_url: `${url}/starred{/owner}{/repo}`,
    subscriptions_url: `${url}/subscriptions`,
    organizations_url: `${url}/orgs`,
    repos_url: `${url}/repos`,
    events_url: `${url}/events{/privacy}`,
    received_events_url: `${url}/received_events`,
    type,
    site_admin: false,
  };
}

/** The account with that id or login, whatever its case. */
export function findUser({ owner, operator }: Readonly<State>, who: number | string): User | undefined {
  return [owner, operator].find((user) =>
    typeof who === "number" ? user.id === who : user.login.toLowerCase() === who.toLowerCase(),
  );
}

/** The token's user, users by login or id, and the organisation that owns the repository. */
export const users = new Hono<Env>()
  .get("/user", (context) => context.json(userBody(context.var.base, context.var.store.state.operator)))
  .get("/users/:login", (context) => {
    const user = findUser(context.var.store.state, context.req.param("login"));
    if (user === undefined) throw notFound("/rest/users/users#get-a-user");
    return context.json(userBody(context.var.base, user));
  })
  .get("/user/:id{[0-9]+}", (context) => {
    const user = findUser(context.var.store.state, Number(context.req.param("id")));
    if (user === undefined) throw notFound("/rest/users/users#get-a-user-using-their-id");
    return context.json(userBody(context.var.base, user));
  })
  .get("/orgs/:login", (context) => {
    const user = findUser(context.var.store.state, context.req.param("login"));
    if (user?.type !== "Organization") throw notFound("/rest/orgs/orgs#get-an-organization");
    return context.json({ ...userBody(context.var.base, user), name: user.login, plan: { name: "team" } });
  });
