import type { RequestContext } from "./context.ts";
import { notFound } from "./error.ts";
import type { State, Vault } from "./state.ts";

/** The vault that a path is about: the named environment's, or the repository's. Throws 404 for an unknown environment. */
export function vaultOf(state: Readonly<State>, context: RequestContext, documentation: string): Vault {
  const name = context.req.param("environment");
  if (name === undefined) return state.vault;
  const environment = state.environments.find((candidate) => candidate.name === name);
  if (environment === undefined) throw notFound(documentation);
  return environment.vault;
}
