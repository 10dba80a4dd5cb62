import type * as pulumi from "@pulumi/pulumi";
import type { z } from "zod";
import type { DatabaseRoles } from "../components/database-roles.ts";
import type { MediaStorage } from "../components/media-storage.ts";
import type { RedisCache } from "../components/redis-cache.ts";
import type { CriticalPath } from "../operations/release/spec.ts";
import type { Config } from "./config.ts";

interface Variables {
  variables: Record<string, pulumi.Input<string>>;
  secretVariables: Record<string, pulumi.Input<string>>;
}

interface Services {
  roles: DatabaseRoles;
  cache: RedisCache;
  media: MediaStorage;
  jwtSecret: pulumi.Output<string>;
}

/** Every variable of the backend, as its own schema wants it (examples/affexai, apps/backend/src/config/schema.ts). */
export function backendVariables(config: Config, site: string, services: Services): Variables {
  const { behaviour, features, storage } = config;
  const { media } = services;
  return {
    variables: {
      NODE_ENV: behaviour.nodeEnv,
      APP_ENVIRONMENT: config.environment,
      LOG_LEVEL: behaviour.logLevel,
      DATABASE_SYNCHRONIZE: `${behaviour.synchronize}`,
      CORS_ORIGIN: behaviour.cors === "any" ? "*" : site,
      RATE_LIMIT_ENABLED: `${behaviour.requestsPerMinute !== null}`,
      ...(behaviour.requestsPerMinute === null
        ? {}
        : { RATE_LIMIT_MAX: `${behaviour.requestsPerMinute}`, RATE_LIMIT_WINDOW_SECONDS: "60" }),
      ENABLE_EMAIL_MARKETING: `${features.emailMarketing}`,
      ENABLE_CHAT: `${features.chat}`,
      ENABLE_ANALYTICS: `${features.analytics}`,
      AWS_S3_BUCKET: storage.mediaBucket,
      AWS_REGION: storage.region,
      ...(storage.endpoint === undefined ? {} : { AWS_ENDPOINT_URL: storage.endpoint }),
    },
    secretVariables: {
      DATABASE_URL: services.roles.appUrl,
      REDIS_URL: services.cache.url,
      JWT_SECRET: services.jwtSecret,
      AWS_ACCESS_KEY_ID: media.identity.accessKeyId,
      AWS_SECRET_ACCESS_KEY: media.identity.secretAccessKey,
    },
  };
}

/**
 * The frontend is told at run time where the API is, so that one image serves every environment (examples/affexai,
 * apps/frontend/server/configuration.ts).
 */
export function frontendVariables(backend: string): Variables {
  return {
    variables: {
      // Its own server takes the public route too: only the proxy knows which replica is ready.
      BACKEND_URL: backend,
      PUBLIC_API_URL: backend,
    },
    secretVariables: {},
  };
}

/** Requests that must work for a release to count. None changes what users see, and none needs a secret. */
export const criticalPaths: z.infer<typeof CriticalPath>[] = [
  { name: "process", application: "backend", method: "GET", path: "/health", expectStatus: 200 },
  { name: "dependencies", application: "backend", method: "GET", path: "/health/ready", expectStatus: 200 },
  { name: "CMS content", application: "backend", method: "GET", path: "/api/pages/home", expectStatus: 200 },
  {
    name: "login asks the database",
    application: "backend",
    method: "POST",
    path: "/api/auth/login",
    body: { email: "nobody@affexai.example", password: "not-a-password" },
    expectStatus: 401,
  },
  { name: "tickets are for users", application: "backend", method: "GET", path: "/api/tickets", expectStatus: 401 },
  {
    name: "feature flags",
    application: "backend",
    method: "GET",
    path: "/api/settings/feature-flags",
    expectStatus: 200,
  },
  { name: "site", application: "frontend", method: "GET", path: "/", expectStatus: 200 },
  { name: "login page", application: "frontend", method: "GET", path: "/login", expectStatus: 200 },
];
