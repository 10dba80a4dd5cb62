import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import path from "node:path";
import { isFields, plain } from "../json.ts";

/** What goes to the engine with a pull. */
export interface RegistryAuth {
  username: string;
  password: string;
  serveraddress: string;
}

/** A saved login, without its secret. */
export interface Login {
  registry: string;
  username: string;
}

/**
 * The server's `~/.docker/config.json`, which `docker login` writes: Coolify itself stores no registry password. Logins are proved
 * against the real registry before they are saved.
 */
export class RegistryLogins {
  readonly #file: string;
  readonly #signal: AbortSignal;

  constructor(dir: string, signal: AbortSignal) {
    this.#file = path.join(dir, "docker-config.json");
    this.#signal = signal;
  }

  /** Proves and saves. Throws with the registry's reason, never with the password in it. */
  async login(registry: string, username: string, password: string): Promise<void> {
    await prove({ serveraddress: registry, username, password }, this.#signal);
    const auths = await this.#read();
    auths.set(registry, Buffer.from(`${username}:${password}`).toString("base64"));
    await this.#write(auths);
  }

  /** Proves the saved login again. */
  async check(registry: string): Promise<void> {
    const auth = await this.find(registry);
    if (auth === undefined) throw new Error("Error: Cannot perform an interactive login from a non TTY device");
    await prove(auth, this.#signal);
  }

  async logout(registry: string): Promise<void> {
    const auths = await this.#read();
    auths.delete(registry);
    await this.#write(auths);
  }

  async list(): Promise<Login[]> {
    return [...(await this.#read())].map(([registry, auth]) => ({ registry, username: decode(auth)[0] }));
  }

  /** The login for a registry or for an image of it. */
  async find(registryOrImage: string): Promise<RegistryAuth | undefined> {
    const registry = registryOrImage.includes("/") ? registryOf(registryOrImage) : registryOrImage;
    const auth = (await this.#read()).get(registry);
    if (auth === undefined) return undefined;
    const [username, password] = decode(auth);
    return { serveraddress: registry, username, password };
  }

  async #read(): Promise<Map<string, string>> {
    const text = await readFile(this.#file, "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return "{}";
      throw error;
    });
    const config: unknown = JSON.parse(text);
    const auths = isFields(config) && isFields(config.auths) ? Object.entries(config.auths) : [];
    return new Map(auths.map(([registry, entry]) => [registry, isFields(entry) ? plain(entry.auth) : ""]));
  }

  async #write(auths: Map<string, string>): Promise<void> {
    await mkdir(path.dirname(this.#file), { recursive: true });
    const config = { auths: Object.fromEntries([...auths].map(([registry, auth]) => [registry, { auth }])) };
    await writeFile(`${this.#file}.new`, JSON.stringify(config), { mode: 0o600 });
    await rename(`${this.#file}.new`, this.#file);
  }
}

/** The registry's host in an image name; docker.io without one. */
export function registryOf(image: string): string {
  const [first = "", ...rest] = image.split("/");
  return rest.length > 0 && (/[.:]/.test(first) || first === "localhost") ? first : "docker.io";
}

/** Asks the registry's /v2/ with the credentials, by Basic or by the token service it names (OCI distribution, docker token auth). */
async function prove({ serveraddress, username, password }: RegistryAuth, signal: AbortSignal): Promise<void> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(15_000)]);
  const basic = `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
  const denied = (status: number): Error =>
    new Error(`Error response from daemon: login attempt to ${endpoint(serveraddress)} failed with status: ${status}`);
  const ask = async (url: string, authorization?: string): Promise<Response> => {
    try {
      return await fetch(url, { signal: limit, headers: authorization === undefined ? {} : { authorization } });
    } catch (error) {
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
      throw new Error(`Error response from daemon: Get "${url}": ${cause instanceof Error ? cause.message : "failed"}`);
    }
  };
  const open = await ask(endpoint(serveraddress));
  const challenge = open.headers.get("www-authenticate") ?? "";
  if (!/^bearer/i.test(challenge)) {
    const answer = await ask(endpoint(serveraddress), basic);
    if (!answer.ok) throw denied(answer.status);
    return;
  }
  const parameter = (name: string): string | undefined => new RegExp(`${name}="([^"]*)"`, "i").exec(challenge)?.[1];
  const realm = URL.parse(parameter("realm") ?? "");
  if (realm === null) throw new Error("Error response from daemon: the registry names no token service");
  const service = parameter("service");
  if (service !== undefined) realm.searchParams.set("service", service);
  realm.searchParams.set("account", username);
  const answer = await ask(realm.href, basic);
  if (!answer.ok) throw denied(answer.status);
}

/** Plain HTTP for loopback, as docker does. */
function endpoint(registry: string): string {
  const host = registry === "docker.io" ? "registry-1.docker.io" : registry;
  return `${/^(localhost|127\.|\[::1\]|.*\.localhost(:|$))/.test(host) ? "http" : "https"}://${host}/v2/`;
}

function decode(auth: string): [string, string] {
  const plain = Buffer.from(auth, "base64").toString("utf8");
  const colon = plain.indexOf(":");
  return [plain.slice(0, colon), plain.slice(colon + 1)];
}
