import { OperationError } from "../../error.ts";
import { Team } from "../answers.ts";
import { CoolifyError, type CoolifyClient, type CoolifyRequest } from "../client.ts";
import { atLeast, has, recommended, type Version } from "../version.ts";
import { ok, problem, refusedBy, type Check } from "./check.ts";

/** No resource has this uuid: Coolify's are 24 lower-case letters and digits. */
const nobody = "affexai-doctor";

/**
 * What may be asked of this Coolify with this token at all. `version` is null when nothing more can be asked: the API is off, the
 * token is refused, or the release is too old. Throws only when nobody answers.
 */
export async function checkAccess(coolify: CoolifyClient): Promise<{ checks: Check[]; version: Version | null }> {
  try {
    const version = await coolify.versionNow();
    const newer = atLeast(version, recommended) ? "" : `; ${recommended.join(".")} or newer is recommended`;
    return { checks: [ok("Coolify", `version ${version.join(".")}, the API is on${newer}`)], version };
  } catch (error) {
    if (error instanceof CoolifyError) return { checks: [refusedBy("Coolify", error)], version: null };
    if (!(error instanceof OperationError) || error.kind !== "refused") throw error;
    return { checks: [problem("Coolify", error.text.what.replace(/\.$/, ""), error.text.next)], version: null };
  }
}

/**
 * Requests that Coolify refuses for what is in them, after it has looked at the token's abilities (379abb2, routes/api.php: the
 * abilities are middleware): any answer but 403 means that the ability is there, and nothing was changed.
 */
const questions: readonly { ability: string; request: CoolifyRequest }[] = [
  // An empty body is refused before it is read (bootstrap/helpers/api.php, validateIncomingRequest).
  { ability: "write", request: { method: "POST", path: "/projects", body: {} } },
  // Without a uuid or a tag there is nothing to deploy (DeployController.php).
  { ability: "deploy", request: { method: "POST", path: "/deploy", body: {} } },
  { ability: "delete", request: { method: "DELETE", path: `/applications/${nobody}/envs/${nobody}` } },
];

/** Whether the token may do all that is asked of it; read:sensitive is told by the server's proxy. */
export async function checkAbilities(
  coolify: CoolifyClient,
  version: Version,
  sensitive: boolean | null,
): Promise<Check> {
  const asked = questions.filter(({ ability }) => ability !== "delete" || has(version, "deleteAbility"));
  const missing: string[] = [];
  for (const { ability, request } of asked) {
    const refused = await coolify.probe(request);
    if (refused?.status === 403) missing.push(ability);
  }
  if (sensitive === false) missing.unshift("read:sensitive");
  const held = ["read", "read:sensitive", ...asked.map(({ ability }) => ability)].filter(
    (ability) => !missing.includes(ability) && (ability !== "read:sensitive" || sensitive === true),
  );
  const hidden = sensitive === null ? "; without a server it cannot be told whether it has read:sensitive" : "";
  if (missing.length === 0) return ok("token", `may ${held.join(", ")}${hidden}`);
  return problem(
    "token",
    `lacks ${missing.join(", ")}${hidden}`,
    `Make a token with read, read:sensitive, ${asked.map(({ ability }) => ability).join(", ")} (or root) in Coolify under Keys & Tokens.`,
  );
}

/** The team that the token acts in: everything else is invisible to it. */
export async function checkTeam(coolify: CoolifyClient, expected: string | undefined): Promise<Check> {
  const { id, name } = await coolify.get("/teams/current", Team);
  if (expected === undefined || expected === name || expected === String(id)) return ok("team", `${name} (${id})`);
  return problem(
    "team",
    `the token acts in ${name} (${id}) instead of ${expected}`,
    `Switch to the team ${expected} in Coolify and make a token there, or correct the setting \`team\`.`,
  );
}
