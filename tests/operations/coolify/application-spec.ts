import { ApplicationSpec } from "../../../operations/coolify/spec.ts";

const digest = "0".repeat(63);

/** A valid spec; tests bend one property of it. */
export function applicationSpec(change: Partial<ApplicationSpec> = {}): ApplicationSpec {
  return ApplicationSpec.parse({
    owner: "backend",
    placement: { projectUuid: "p1", environmentName: "production", environmentUuid: "e1", serverUuid: "s1" },
    name: "backend",
    environment: "production",
    image: `ghcr.io/affexai/backend@sha256:${digest}1`,
    port: 3001,
    hosts: ["api.affexai.com"],
    tls: true,
    replicas: 1,
    health: { path: "/health/ready", intervalSeconds: 1, timeoutSeconds: 2, retries: 30, startPeriodSeconds: 1 },
    versionPath: "/version",
    drain: { readySeconds: 3, drainSeconds: 5 },
    stopGracePeriodSeconds: 20,
    limits: {},
    variables: { LOG_LEVEL: "info" },
    secretVariables: ["JWT_SECRET"],
    stamp: { id: "release-1", after: null },
    ledger: { bucket: "affexai-backups", environment: "production" },
    rolloutTimeoutSeconds: 300,
    after: [],
    ...change,
  });
}
