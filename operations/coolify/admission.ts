import { refuseForeign } from "./adoption.ts";
import type { Application } from "./answers.ts";
import type { CoolifyClient } from "./client.ts";
import { hostsOf, refuseTakenHosts } from "./hosts.ts";
import { replicasOf } from "./plan.ts";
import type { ApplicationSpec } from "./spec.ts";

/**
 * What an application must not begin with, refused before anything of it is changed: one of its names is somebody else's, or one of
 * its hosts is. `environment` is every application of its environment. Costs a request only while a replica is not routed yet.
 */
export async function admit(
  coolify: CoolifyClient,
  spec: ApplicationSpec,
  environment: readonly Application[],
): Promise<void> {
  const names = replicasOf(spec).map(({ name }) => name);
  const own = environment.filter(({ name }) => names.includes(name));
  refuseForeign(spec, own);
  const isRouted = (one: Application) => spec.hosts.every((host) => hostsOf(one).includes(host));
  if (own.length >= names.length && own.every(isRouted)) return;
  await refuseTakenHosts(coolify, { ...spec, names }, environment);
}
