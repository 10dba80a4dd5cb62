import type { Coolify } from "../context.ts";
import { ok, refuse } from "../http/reply.ts";
import type { Route } from "../http/route.ts";

/** Teams (Coolify 379abb2, TeamController.php): a token sees its own only. */
export function teamRoutes(coolify: Coolify): Route[] {
  const team = (id: number) => {
    const found = coolify.store.state.teams.find((candidate) => candidate.id === id);
    if (found === undefined) throw refuse(404, "Team not found.");
    const { id: team, name } = found;
    return { id: team, name, description: null, personal_team: team === 0, show_boarding: false };
  };
  const own = (asked: string | undefined, teamId: number) => {
    if (Number(asked) !== teamId) throw refuse(404, "Team not found.");
    return team(teamId);
  };
  const members = [{ id: 0, name: "Root User", email: "root@example.com" }];
  return [
    { method: "GET", path: "/teams", ability: "read", handle: ({ teamId }) => ok([team(teamId)]) },
    { method: "GET", path: "/team", ability: "read", since: "4.3", handle: ({ teamId }) => ok(team(teamId)) },
    { method: "GET", path: "/team/members", ability: "read", since: "4.3", handle: () => ok(members) },
    { method: "GET", path: "/teams/current", ability: "read", handle: ({ teamId }) => ok(team(teamId)) },
    { method: "GET", path: "/teams/current/members", ability: "read", handle: () => ok(members) },
    { method: "GET", path: "/teams/:id", ability: "read", handle: ({ params, teamId }) => ok(own(params.id, teamId)) },
    {
      method: "GET",
      path: "/teams/:id/members",
      ability: "read",
      handle({ params, teamId }) {
        own(params.id, teamId);
        return ok(members);
      },
    },
  ];
}
