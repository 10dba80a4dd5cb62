import { z } from "zod";
import { OperationError } from "../error.ts";
import type { RegistryCredentials } from "./access.ts";
import { isLoopback } from "./reference.ts";

/** A parsed WWW-Authenticate header: `Bearer realm="https://ghcr.io/token",service="ghcr.io",scope="repository:o/app:pull"`. */
export interface Challenge {
  readonly scheme: "basic" | "bearer";
  readonly parameters: Readonly<Record<string, string>>;
}

/** Reads the first challenge that this client can answer; undefined when there is none. */
export function parseChallenge(header: string | null): Challenge | undefined {
  const match = /^\s*(basic|bearer)\s+(.*)$/i.exec(header ?? "");
  if (match?.[1] === undefined || match[2] === undefined) return undefined;
  const parameters: Record<string, string> = {};
  for (const [, name, quoted, bare] of match[2].matchAll(/([a-z_]+)=(?:"([^"]*)"|([^",\s]+))/gi)) {
    if (name !== undefined) parameters[name.toLowerCase()] = quoted ?? bare ?? "";
  }
  return { scheme: match[1].toLowerCase() === "basic" ? "basic" : "bearer", parameters };
}

/** The value of an Authorization header for HTTP Basic. */
export function basic(credentials: RegistryCredentials): string {
  return `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString("base64")}`;
}

const TokenAnswer = z.object({ token: z.string().optional(), access_token: z.string().optional() });

/**
 * Answers a challenge: returns the Authorization header to send, or undefined when a Basic challenge meets no credentials.
 * The token endpoint gets the credentials only over TLS or on this machine. Source: distribution's token authentication
 * specification (distribution/distribution, docs/content/spec/auth/token.md).
 */
export async function answerChallenge(
  challenge: Challenge,
  scope: string,
  options: { registry: string; credentials?: RegistryCredentials | undefined; signal: AbortSignal },
): Promise<string | undefined> {
  const { credentials } = options;
  if (challenge.scheme === "basic") return credentials === undefined ? undefined : basic(credentials);
  const where = `registry ${options.registry}`;
  const realm = URL.parse(challenge.parameters.realm ?? "");
  if (realm === null || !(realm.protocol === "https:" || (realm.protocol === "http:" && isLoopback(realm.host)))) {
    throw new OperationError("refused", {
      where,
      what: "names no token endpoint that is reached over https.",
      next: "Check that the registry's address is right; credentials are not sent in the clear.",
    });
  }
  if (challenge.parameters.service !== undefined) realm.searchParams.set("service", challenge.parameters.service);
  realm.searchParams.set("scope", challenge.parameters.scope ?? scope);
  const answer = await fetch(realm, {
    headers: credentials === undefined ? {} : { authorization: basic(credentials) },
    signal: options.signal,
  });
  if (answer.status === 401 || answer.status === 403) {
    await answer.body?.cancel();
    throw denied(where, credentials !== undefined);
  }
  const body = answer.ok ? TokenAnswer.safeParse(await answer.json().catch(() => undefined)) : undefined;
  const token = body?.data?.token ?? body?.data?.access_token;
  if (token === undefined) {
    throw new OperationError("failed", {
      where,
      what: `its token endpoint ${realm.host} answered ${answer.status} without a token.`,
      next: "Run it again; if it stays, look at the registry's status page.",
    });
  }
  return `Bearer ${token}`;
}

/** The registry knows us and says no, or does not know us. */
export function denied(where: string, withCredentials: boolean): OperationError {
  return new OperationError("refused", {
    where,
    what: withCredentials ? "refused the credentials or their rights." : "does not allow anonymous access.",
    next: withCredentials
      ? "Check REGISTRY_USERNAME and REGISTRY_PASSWORD, and that the token may read packages."
      : "Set REGISTRY_USERNAME and REGISTRY_PASSWORD.",
  });
}
