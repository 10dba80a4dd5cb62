import type { z } from "zod";
import type { Canary, HealthGate } from "../operations/coolify/spec.ts";
import type { BackupReason } from "../operations/backup/spec.ts";

type Reason = z.infer<typeof BackupReason>;

/** How an environment behaves, whatever its names and addresses are. Stack files never repeat or change any of it. */
export interface Environment {
  readonly nodeEnv: "development" | "production";
  readonly logLevel: "error" | "warn" | "info" | "debug";
  /** TypeORM alters the schema at start. Only where a developer can lose the database. */
  readonly synchronize: boolean;
  /** Requests an address may make in a minute; null for no limit. */
  readonly requestsPerMinute: number | null;
  /** `any`: every origin. `site`: the frontend's own. */
  readonly cors: "any" | "site";
  readonly tls: boolean;
  /** Containers of an application that serve at the same time. With two, the end of one leaves the other. */
  readonly replicas: number;
  /** Backups taken by the clock; one is taken before each migration everywhere. */
  readonly backupCadence: readonly Reason[];
  /** Days that a backup is kept. */
  readonly keepBackupDays: Readonly<Record<Reason, number>>;
  /** Days that a database is kept which a restore replaced. */
  readonly keepReplacedDays: number;
  /** Days in which no version of a backup can be deleted by anyone. */
  readonly lockDays: number;
  /** A release without migrations accepts a verified backup younger than this. */
  readonly backupMaxAgeSeconds: number;
  /** How a new container proves that it is ready; null where nothing waits for it. The path is the application's. */
  readonly health: Readonly<Omit<HealthGate, "path">> | null;
  /** How the first replica of a new image is watched before the next one moves. The path is the application's. */
  readonly canary: Readonly<Omit<Canary, "metricsPath">> | null;
  /** After SIGTERM: ready for 3 s (the proxy needs 2 to hear of a change), then unready but serving. */
  readonly drain: { readonly readySeconds: number; readonly drainSeconds: number };
  readonly stopGracePeriodSeconds: number;
  readonly rolloutTimeoutSeconds: number;
  /** Correct answers in a row before a release counts. */
  readonly smokeAnswers: number;
  readonly monitoring: "basic" | "full" | "full-and-alerts";
}

const keepBackupDays = { "pre-migration": 7, hourly: 2, daily: 14, weekly: 56, monthly: 366, manual: 30 };

/** The environments, side by side. `development` is a developer's own machine: no stack deploys it. */
export const environments = {
  development: {
    nodeEnv: "development",
    logLevel: "debug",
    synchronize: true,
    requestsPerMinute: null,
    cors: "any",
    tls: false,
    replicas: 1,
    backupCadence: [],
    keepBackupDays,
    keepReplacedDays: 7,
    lockDays: 1,
    backupMaxAgeSeconds: 7 * 86_400,
    health: null,
    canary: null,
    drain: { readySeconds: 0, drainSeconds: 0 },
    stopGracePeriodSeconds: 5,
    rolloutTimeoutSeconds: 120,
    smokeAnswers: 1,
    monitoring: "basic",
  },
  sandbox: {
    nodeEnv: "production",
    logLevel: "info",
    synchronize: false,
    requestsPerMinute: null,
    cors: "site",
    tls: false,
    replicas: 2,
    // Taken where a stack names the image of the agent.
    backupCadence: ["hourly"],
    keepBackupDays,
    keepReplacedDays: 7,
    lockDays: 1,
    backupMaxAgeSeconds: 3600,
    health: { intervalSeconds: 1, timeoutSeconds: 1, retries: 60, startPeriodSeconds: 1 },
    canary: null,
    drain: { readySeconds: 3, drainSeconds: 3 },
    stopGracePeriodSeconds: 20,
    rolloutTimeoutSeconds: 240,
    smokeAnswers: 3,
    monitoring: "basic",
  },
  staging: {
    nodeEnv: "production",
    logLevel: "debug",
    synchronize: false,
    requestsPerMinute: 600,
    cors: "site",
    tls: true,
    // As many as production: a release whose replicas cannot live beside each other must fail here.
    replicas: 2,
    backupCadence: ["daily"],
    keepBackupDays,
    keepReplacedDays: 7,
    lockDays: 7,
    backupMaxAgeSeconds: 86_400,
    health: { intervalSeconds: 5, timeoutSeconds: 3, retries: 12, startPeriodSeconds: 10 },
    canary: null,
    drain: { readySeconds: 3, drainSeconds: 10 },
    stopGracePeriodSeconds: 40,
    rolloutTimeoutSeconds: 600,
    smokeAnswers: 5,
    monitoring: "full",
  },
  production: {
    nodeEnv: "production",
    logLevel: "info",
    synchronize: false,
    requestsPerMinute: 100,
    cors: "site",
    tls: true,
    replicas: 2,
    backupCadence: ["hourly", "daily", "weekly", "monthly"],
    keepBackupDays,
    keepReplacedDays: 7,
    lockDays: 7,
    backupMaxAgeSeconds: 3600,
    health: { intervalSeconds: 5, timeoutSeconds: 3, retries: 24, startPeriodSeconds: 10 },
    // A minute of production traffic shows what a gate of three answers cannot; fewer than fifty answers may be chance.
    canary: { holdSeconds: 60, maxErrorRatio: 0.01, maxLatencyRatio: 3, minRequests: 50 },
    drain: { readySeconds: 3, drainSeconds: 10 },
    stopGracePeriodSeconds: 40,
    rolloutTimeoutSeconds: 900,
    smokeAnswers: 10,
    monitoring: "full-and-alerts",
  },
} as const satisfies Record<string, Environment>;

/** Environments that a stack deploys. */
export const deployed = ["sandbox", "staging", "production"] as const;
export type DeployedEnvironment = (typeof deployed)[number];
