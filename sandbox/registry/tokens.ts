import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { z } from "zod";
import { RegistryError } from "./errors.ts";

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** What a request needs: a repository and a right on it; undefined for `/v2/` and the catalog, which need only a known user. */
export type Need = { readonly repository: string; readonly right: "pull" | "push" } | undefined;

const Claims = z.object({ expires: z.number(), scopes: z.array(z.string()) });

/** How long a token is good for, as on ghcr.io. */
const tokenSeconds = 300;

/**
 * Who may do what, as ghcr.io does it: a request without rights is sent to the token endpoint by a Bearer challenge, which hands
 * out signed tokens for the scopes asked for. HTTP Basic on the request itself is accepted too. Nothing is public.
 * Source: distribution/distribution, docs/content/spec/auth/token.md.
 */
export function tokenAuthority(credentials: Credentials) {
  const key = randomBytes(32);
  const sign = (claims: string) => createHmac("sha256", key).update(claims).digest("base64url");

  function isUser(header: string): boolean {
    const given = Buffer.from(header.replace(/^basic\s+/i, ""), "base64");
    return equal(given, Buffer.from(`${credentials.username}:${credentials.password}`));
  }

  /** Answers GET /token. */
  function issue(request: IncomingMessage, url: URL): object {
    const header = request.headers.authorization;
    if (header === undefined) throw new RegistryError("UNAUTHORIZED", "authentication required");
    if (!/^basic\s/i.test(header) || !isUser(header)) {
      throw new RegistryError("DENIED", "requested access to the resource is denied");
    }
    const claims: z.infer<typeof Claims> = {
      expires: Date.now() + tokenSeconds * 1000,
      scopes: url.searchParams.getAll("scope").flatMap((scope) => scope.split(" ")),
    };
    const text = Buffer.from(JSON.stringify(claims)).toString("base64url");
    const token = `${text}.${sign(text)}`;
    return { token, access_token: token, expires_in: tokenSeconds, issued_at: new Date().toISOString() };
  }

  function isGranted(token: string, need: Need): boolean {
    const [text = "", signature = ""] = token.split(".");
    if (!equal(Buffer.from(signature), Buffer.from(sign(text)))) return false;
    const claims = Claims.parse(JSON.parse(Buffer.from(text, "base64url").toString("utf8")));
    if (claims.expires < Date.now()) return false;
    return (
      need === undefined ||
      claims.scopes.some((scope) => {
        const [type, repository, rights = ""] = scope.split(":");
        return type === "repository" && repository === need.repository && rights.split(",").includes(need.right);
      })
    );
  }

  /** Throws the 401 with the challenge that tells a client what to ask the token endpoint for. */
  function authorize(request: IncomingMessage, need: Need): void {
    const header = request.headers.authorization ?? "";
    if (/^basic\s/i.test(header) && isUser(header)) return;
    const token = /^bearer\s+(.+)$/i.exec(header)?.[1];
    if (token !== undefined && isGranted(token, need)) return;
    const host = request.headers.host ?? "localhost";
    const rights = need?.right === "push" ? "pull,push" : "pull";
    const challenge = [
      `Bearer realm="http://${host}/token"`,
      `service="${host}"`,
      ...(need === undefined ? [] : [`scope="repository:${need.repository}:${rights}"`]),
    ];
    throw new RegistryError("UNAUTHORIZED", "authentication required", {
      headers: { "www-authenticate": challenge.join(",") },
    });
  }

  return { issue, authorize };
}

function equal(given: Buffer, expected: Buffer): boolean {
  return given.length === expected.length && timingSafeEqual(given, expected);
}
