import { readFileSync } from "node:fs";
import ssh2 from "ssh2";
import { OperationError } from "../error.ts";
import type { Context } from "../verb.ts";

/** An ssh server that reaches a database which this machine does not. */
export interface SshTarget {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** Fingerprints of which the server's key must have one, as ssh-keygen prints them: `SHA256:<base64>`. */
  readonly hostKeys: readonly string[];
  /** `docker`: the database's host is a container on the ssh server, whose address is asked for there. `null`: a name or address it knows. */
  readonly container: "docker" | null;
  /** Private key in OpenSSH or PEM format, without a passphrase. Secret. */
  readonly privateKey: string;
}

/** The ssh server of a target, for people. */
export function sshServer({ user, host, port }: Pick<SshTarget, "user" | "host" | "port">): string {
  return `${user}@${host}:${port}`;
}

/**
 * Reads `DATABASE_SSH=ssh://user@host[:port]?hostkey=SHA256:...[&hostkey=...][&container=docker]` and the private key: its text in
 * DATABASE_SSH_KEY, or its file's path in DATABASE_SSH_KEY_FILE. Throws an OperationError (usage) that lists everything wrong, never
 * with the key.
 */
export function sshTarget(env: Context["env"]): SshTarget {
  const value = env.DATABASE_SSH ?? "";
  if (!URL.canParse(value)) throw wrong(["is not a URL"]);
  const url = new URL(value);
  // A + in a query stands for a space; in a fingerprint it is a digit.
  const hostKeys = url.searchParams.getAll("hostkey").map((key) => key.replaceAll(" ", "+").replace(/=+$/, ""));
  const containers = url.searchParams.getAll("container");
  const unknown = [...url.searchParams.keys()].filter((key) => key !== "hostkey" && key !== "container");
  const { privateKey, problem } = readPrivateKey(env);
  const problems = [
    ...(url.protocol === "ssh:" ? [] : [`has the scheme ${url.protocol}`]),
    ...(url.hostname === "" ? ["names no host"] : []),
    ...(url.username === "" ? ["names no user"] : []),
    ...(url.password === "" ? [] : ["holds a password, which is never used"]),
    ...(["", "/"].includes(url.pathname) ? [] : ["has a path"]),
    ...unknown.map((key) => `has the parameter ${key}`),
    ...(containers.every((one) => one === "docker") ? [] : ["has a container that is not docker"]),
    ...(hostKeys.length > 0 ? [] : [`pins no host key: run ${askForHostKey(url)} and compare with the server's own`]),
    ...hostKeys.filter((key) => !/^SHA256:[A-Za-z0-9+/]{43}$/.test(key)).map((key) => `has hostkey=${key}`),
    ...(problem === null ? [] : [problem]),
  ];
  if (problems.length > 0 || privateKey === null) throw wrong(problems);
  return {
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: url.port === "" ? 22 : Number(url.port),
    user: decodeURIComponent(url.username),
    hostKeys,
    container: containers.length > 0 ? "docker" : null,
    privateKey,
  };
}

function readPrivateKey(env: Context["env"]): { privateKey: string | null; problem: string | null } {
  const none = (problem: string) => ({ privateKey: null, problem });
  const text = env.DATABASE_SSH_KEY ?? "";
  const file = env.DATABASE_SSH_KEY_FILE ?? "";
  if (text === "" && file === "") return none("comes without a key: set DATABASE_SSH_KEY or DATABASE_SSH_KEY_FILE");
  if (text !== "" && file !== "") return none("comes with two keys: unset DATABASE_SSH_KEY or DATABASE_SSH_KEY_FILE");
  try {
    // Secret stores tend to cut the last line end off, without which OpenSSH's format does not parse.
    const privateKey = `${(text === "" ? readFileSync(file, "utf8") : text).trim()}\n`;
    const key = ssh2.utils.parseKey(privateKey);
    if (key instanceof Error) {
      return none(
        /encrypted/i.test(key.message)
          ? "comes with a key that has a passphrase: make one without, for this alone"
          : "comes with a key that is no private key in OpenSSH or PEM format",
      );
    }
    return key.isPrivateKey()
      ? { privateKey, problem: null }
      : none("comes with a public key instead of the private one");
  } catch (error) {
    return none(`comes with a key file that cannot be read (${error instanceof Error ? error.message : "unknown"})`);
  }
}

function askForHostKey({ hostname, port }: URL): string {
  return `\`ssh-keyscan -t ed25519 ${port === "" ? "" : `-p ${port} `}${hostname === "" ? "HOST" : hostname} | ssh-keygen -lf -\``;
}

function wrong(problems: readonly string[]): OperationError {
  return new OperationError("usage", {
    where: "DATABASE_SSH",
    what: `${problems.join(", ")}.`,
    next: "Set it to ssh://user@host:port?hostkey=SHA256:..., with the private key in DATABASE_SSH_KEY, or unset it to reach the database directly.",
  });
}
