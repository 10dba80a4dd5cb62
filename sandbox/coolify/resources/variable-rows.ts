import type { Coolify } from "../context.ts";
import { ok, refuse } from "../http/reply.ts";
import type { Route } from "../http/route.ts";
import type { Owner, Variable } from "../records.ts";
import { findOwner } from "./lookup.ts";

/** The rows of one resource, oldest first. */
export function variablesOf({ store: { state } }: Coolify, owner: Owner, ownerId: number): Variable[] {
  return state.variables.filter((row) => row.owner === owner && row.ownerId === ownerId);
}

/** Deletes the one row that is named; a preview twin stays. */
export function variableDeletion(coolify: Coolify, owner: Owner): Route {
  const { state } = coolify.store;
  return {
    method: "DELETE",
    path: `/${owner}s/:uuid/envs/:variable`,
    ability: "write",
    handle({ params, teamId }) {
      const { id } = findOwner(coolify, owner, teamId, params.uuid ?? "");
      const row = variablesOf(coolify, owner, id).find(({ uuid }) => uuid === params.variable);
      if (row === undefined) throw refuse(404, "Environment variable not found.");
      state.variables = state.variables.filter((candidate) => candidate !== row);
      return ok({ message: "Environment variable deleted." });
    },
  };
}
