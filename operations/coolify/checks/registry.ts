import { z } from "zod";
import { RegistryLogins } from "../answers.ts";
import { CoolifyError, type CoolifyClient } from "../client.ts";
import { has, type Version } from "../version.ts";
import { ok, problem, unknown, type Check } from "./check.ts";

/** Whether a server can pull from a registry: it is logged in, and the login works. Known from Coolify 4.4 on. */
export async function checkRegistry(
  coolify: CoolifyClient,
  version: Version,
  { serverUuid, host }: { serverUuid: string; host: string },
): Promise<Check> {
  const what = `registry ${host}`;
  const byHand = `Run \`docker login ${host}\` on the server as the user that Coolify connects with.`;
  if (!has(version, "registryLogins"))
    return unknown(what, `Coolify ${version.join(".")} does not tell a server's registry logins`, byHand);
  const again = "Run `pulumi up` with REGISTRY_PASSWORD set to a token that may pull the images.";
  try {
    const { registries, error } = await coolify.get(`/servers/${serverUuid}/registries`, RegistryLogins);
    if (error) return unknown(what, error.replace(/\.$/, ""), byHand);
    const login = registries.find(({ registry, logged_in }) => registry === host.toLowerCase() && logged_in);
    if (login === undefined) return problem(what, "the server is not logged in", again);
    const path = `/servers/${serverUuid}/registries/${encodeURIComponent(host)}/check`;
    await coolify.send({ method: "POST", path }, z.unknown());
    return ok(what, `logged in as ${login.username ?? "unknown"}, and the login works`);
  } catch (error) {
    if (!(error instanceof CoolifyError)) throw error;
    // Coolify answers 400 with the words of `docker login`. Without an ability the token's own check tells more.
    if (error.status === 400) return problem(what, error.text.what.replace(/\.$/, ""), again);
    if (error.status === 403)
      return unknown(what, "the token may not ask", "Mend the token's abilities, then look again.");
    throw error;
  }
}
