import { type ApplicationProcess, startApplication } from "./application-process.ts";
import type { UnpackedImage } from "./releases.ts";
import type { Database, Services } from "./services.ts";

export const demoUser = { email: "demo@affexai.example", password: "demo-user-password" };

/** A configuration with which the backend starts, short drains included. */
function backendVariables(services: Services, database: Database): Record<string, string> {
  return {
    ...services.variables,
    APP_ENVIRONMENT: "sandbox",
    DATABASE_URL: database.appUrl,
    JWT_SECRET: "a secret of these tests, long enough",
    CORS_ORIGIN: "http://affexai.localhost",
    RATE_LIMIT_ENABLED: "false",
    DEMO_USER_EMAIL: demoUser.email,
    DEMO_USER_PASSWORD: demoUser.password,
    DRAIN_READY_SECONDS: "1",
    DRAIN_SECONDS: "1",
    LOG_LEVEL: "debug",
  };
}

/** Starts the backend of an image on a migrated database. */
export async function startBackend(
  image: UnpackedImage,
  services: Services,
  database: Database,
  changes: Readonly<Record<string, string>> = {},
): Promise<ApplicationProcess> {
  return startApplication(image.root, ["dist/main.js"], { ...backendVariables(services, database), ...changes });
}

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** Asks the backend for JSON. */
export async function ask(
  backend: ApplicationProcess,
  method: string,
  path: string,
  { token, body, type = "application/json" }: { token?: string; body?: unknown; type?: string } = {},
): Promise<Answer> {
  const response = await fetch(`${backend.url}${path}`, {
    method,
    headers: {
      ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { "Content-Type": type }),
    },
    ...(body === undefined ? {} : { body: body instanceof Uint8Array ? Buffer.from(body) : JSON.stringify(body) }),
    signal: AbortSignal.timeout(10_000),
  });
  const text = await response.text();
  const json = response.headers.get("content-type")?.startsWith("application/json") === true;
  return { status: response.status, body: json ? (JSON.parse(text) as unknown) : text };
}

/** Logs the demo user in and returns the token. */
export async function logIn(backend: ApplicationProcess): Promise<string> {
  const { status, body } = await ask(backend, "POST", "/api/auth/login", { body: demoUser });
  const { token } = (status === 200 ? body : {}) as { token?: string };
  if (token === undefined) throw new Error(`the demo user could not log in: ${status} ${JSON.stringify(body)}`);
  return token;
}
