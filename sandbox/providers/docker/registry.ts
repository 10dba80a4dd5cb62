import { answerChallenge, parseChallenge } from "../../../operations/image/authorization.ts";
import { isLoopback } from "../../../operations/image/reference.ts";

/** As in the provider's configuration; the username and password may come from DOCKER_REGISTRY_USER and DOCKER_REGISTRY_PASS. */
export interface RegistryLogin {
  readonly address: string;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
}

const manifests = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.docker.distribution.manifest.v2+json",
].join(", ");

/**
 * Asks a registry which digest it has for an image: `<host>/<repository>:<tag>` or `<host>/<repository>@sha256:<hex>`.
 * Throws when the registry refuses or has none. Plain HTTP on loopback, as Docker does it.
 */
export async function registryDigest(
  image: string,
  logins: readonly RegistryLogin[],
  signal: AbortSignal,
): Promise<string> {
  const match = /^([^/]+)\/(.+?)(?:@(sha256:[0-9a-f]{64})|:([\w][\w.-]*))?$/.exec(image);
  const [, host, repository, digest, tag = "latest"] = match ?? [];
  if (host === undefined || repository === undefined)
    throw new Error(`${image} is not the name of an image in a registry.`);
  const url = `${isLoopback(host) ? "http" : "https"}://${host}/v2/${repository}/manifests/${digest ?? tag}`;
  const limit = AbortSignal.any([signal, AbortSignal.timeout(20_000)]);
  const credentials = credentialsFor(host, logins);
  const ask = (authorization?: string) =>
    fetch(url, {
      method: "HEAD",
      headers: { accept: manifests, ...(authorization === undefined ? {} : { authorization }) },
      signal: limit,
    }).catch((error: unknown) => {
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
      throw new Error(`Got error when attempting to fetch image version ${image} from registry: ${cause}`);
    });
  let response = await ask();
  const challenge = response.status === 401 ? parseChallenge(response.headers.get("www-authenticate")) : undefined;
  if (challenge !== undefined) {
    const scope = `repository:${repository}:pull`;
    response = await ask(await answerChallenge(challenge, scope, { registry: host, credentials, signal: limit }));
  }
  const found = response.headers.get("docker-content-digest");
  if (response.ok && found !== null) return found;
  throw new Error(
    `Got error when attempting to fetch image version ${image} from registry: bad response from registry: "${response.status} ${response.statusText}"`,
  );
}

function credentialsFor(host: string, logins: readonly RegistryLogin[]) {
  const login = logins.find(({ address }) => address === host);
  const username = login?.username ?? process.env["DOCKER_REGISTRY_USER"];
  const password = login?.password ?? process.env["DOCKER_REGISTRY_PASS"];
  return login === undefined || username === undefined || password === undefined ? undefined : { username, password };
}
