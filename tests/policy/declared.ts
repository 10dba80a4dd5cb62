import { CoolifyApplication } from "../../components/coolify-application.ts";
import { DatabaseMigration } from "../../components/database-migration.ts";
import { record } from "../release-record.ts";
import { bent, type Shown, unknown } from "./violations.ts";

const ledger = { bucket: "affexai-backups", environment: "production" };

/** An application that every rule lets through. */
export const application: Shown = {
  resourceClass: CoolifyApplication,
  name: "backend",
  props: {
    environment: "production",
    image: record.images.backend,
    port: 3001,
    hosts: ["api.affexai.com"],
    tls: true,
    replicas: 1,
    health: { path: "/health/ready", intervalSeconds: 5, timeoutSeconds: 3, retries: 12, startPeriodSeconds: 10 },
    versionPath: "/version",
    drain: { readySeconds: 3, drainSeconds: 10 },
    stopGracePeriodSeconds: 40,
    variables: {
      LOG_LEVEL: "info",
      DATABASE_SYNCHRONIZE: "false",
      AFFEXAI_IMAGE_DIGEST: `sha256:${"a".repeat(64)}`,
      API_URL: "https://api.affexai.com",
    },
    secretVariables: { DATABASE_URL: unknown, JWT_SECRET: unknown },
    rolloutTimeoutSeconds: 600,
    ledger,
  },
};

/** A migration that every rule lets through. Its URLs are generated: a preview does not know them. */
export const migration: Shown = {
  resourceClass: DatabaseMigration,
  name: "migration",
  props: {
    record,
    previous: null,
    ledger,
    image: record.images.backend,
    databaseUrl: unknown,
    backupDatabaseUrl: unknown,
    backupMaxAgeSeconds: 3600,
  },
};

/** The same resource with one property, at a dotted path, set or (by undefined) taken away. */
export function withProperty(shown: Shown, path: string, value: unknown): Shown {
  return { ...shown, props: bent(shown.props, path, value) };
}
