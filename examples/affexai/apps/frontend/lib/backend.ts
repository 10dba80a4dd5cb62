import { cookies } from "next/headers";
import { readConfiguration } from "../server/configuration.ts";

/** Name of the cookie that holds the login token. Scripts cannot read it. */
export const sessionCookie = "session";

/** The token of whoever is logged in here. */
export async function sessionToken(): Promise<string | undefined> {
  return (await cookies()).get(sessionCookie)?.value;
}

export interface BackendRequest {
  method?: "GET" | "POST";
  body?: unknown;
  token?: string | undefined;
}

/** Asks the backend. Gives up after 4 s: less than the 5 s after which users count an answer as failed. */
export async function askBackend(
  path: string,
  { method = "GET", body, token }: BackendRequest = {},
): Promise<Response> {
  return fetch(`${readConfiguration(process.env).BACKEND_URL}${path}`, {
    method,
    cache: "no-store",
    signal: AbortSignal.timeout(4_000),
    headers: {
      ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

/** Where browsers reach the backend. */
export function publicApiUrl(): string {
  return readConfiguration(process.env).PUBLIC_API_URL;
}
