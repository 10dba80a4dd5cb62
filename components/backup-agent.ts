import * as pulumi from "@pulumi/pulumi";
import type { BackupReason } from "../operations/backup/spec.ts";
import type { HealthGate, MaintenanceTarget, Placement } from "../operations/coolify/spec.ts";
import type { LedgerLocation } from "../operations/release/spec.ts";
import type { z } from "zod";
import type { BackupStorage, Retention } from "./backup-storage.ts";
import { CoolifyApplication } from "./coolify-application.ts";
import type { PreviewProbe } from "./preview-probe.ts";

export interface BackupAgentArgs {
  placement: pulumi.Input<Placement>;
  environment: string;
  /** The tools image by digest, known in preview. */
  image: pulumi.Input<string>;
  /** Backups that are taken by the clock. */
  cadence: readonly z.infer<typeof BackupReason>[];
  keepDays: Retention;
  /** Days that a database is kept which a restore replaced. */
  keepReplacedDays: number;
  /** The bucket, and who may do what in it. */
  storage: BackupStorage;
  region: string;
  /** The address at which containers reach the storage, where it is not AWS. */
  endpoint?: string | undefined;
  /** The bucket's name, and the environment's in it. */
  ledger: LedgerLocation;
  /** The role that the application connects as. */
  app: string;
  /** As the owner of the schema, at an address that containers reach. Secret. */
  databaseUrl: pulumi.Input<string>;
  /** As the role that reads everything. Secret. */
  backupDatabaseUrl: pulumi.Input<string>;
  /** Public keys of age that backups are encrypted to, and a private one that drills read them with. */
  encryption?: { recipients: string[]; identity: pulumi.Input<string> } | undefined;
  /** Told by POST when somebody has to look. Secret: whoever knows it can page. */
  pageUrl?: pulumi.Input<string> | undefined;
  /** What lets it end a maintenance that nobody looks after any more; the token may read and deploy, and is secret. */
  maintenance?:
    { target: pulumi.Input<MaintenanceTarget>; coolifyUrl: string; token: pulumi.Input<string> } | undefined;
  health: Omit<HealthGate, "path">;
  /** Says in a preview what would change on Coolify. */
  preview?: PreviewProbe | undefined;
}

/**
 * `affexai agent` on Coolify, without a public route: takes, proves and prunes the environment's backups, ends what a dead run left
 * behind, and tells Prometheus. Its rollouts belong to no release.
 */
export class BackupAgent extends pulumi.ComponentResource {
  static readonly __pulumiType = "affexai:coolify:BackupAgent";
  readonly digest: pulumi.Output<string>;

  constructor(name: string, args: BackupAgentArgs, opts?: pulumi.ComponentResourceOptions) {
    const { storage, databaseUrl, backupDatabaseUrl, encryption, pageUrl, maintenance, preview, ...declared } = args;
    super(BackupAgent.__pulumiType, name, declared, opts);
    const target = maintenance === undefined ? undefined : pulumi.output(maintenance.target);
    const application = new CoolifyApplication(
      `${name}-agent`,
      {
        placement: args.placement,
        environment: args.environment,
        image: args.image,
        ledger: args.ledger,
        stamp: null,
        port: 8080,
        hosts: [],
        tls: false,
        replicas: 1,
        health: { ...args.health, path: "/health/ready" },
        versionPath: "/version",
        // It serves nobody; a new one stands by until this one has cancelled what it was doing.
        drain: { readySeconds: 3, drainSeconds: 1 },
        stopGracePeriodSeconds: 30,
        rolloutTimeoutSeconds: 300,
        limits: { memory: "512m" },
        variables: {
          AFFEXAI_SERVE: "agent",
          APP_ENVIRONMENT: args.environment,
          BACKUP_CADENCE: args.cadence.join(","),
          BACKUP_BUCKET: args.ledger.bucket,
          BACKUP_KEEP_DAYS: Object.entries(args.keepDays)
            .map(([reason, days]) => `${reason}=${days}`)
            .join(","),
          KEEP_REPLACED_DAYS: String(args.keepReplacedDays),
          DATABASE_APP_ROLE: args.app,
          AWS_REGION: args.region,
          ...(args.endpoint === undefined ? {} : { AWS_ENDPOINT_URL: args.endpoint }),
          ...(encryption === undefined ? {} : { BACKUP_RECIPIENTS: encryption.recipients.join(",") }),
          ...(maintenance === undefined ? {} : { COOLIFY_URL: maintenance.coolifyUrl }),
        },
        secretVariables: {
          DATABASE_URL: databaseUrl,
          BACKUP_DATABASE_URL: backupDatabaseUrl,
          ...keys("WRITER", storage.writer),
          ...keys("READER", storage.reader),
          ...keys("PRUNER", storage.pruner),
          ...(encryption === undefined ? {} : { BACKUP_IDENTITY: encryption.identity }),
          // No secrets, but unknown in a first preview; what is in the open must be known there.
          ...(target === undefined ? {} : { MAINTENANCE_UUID: target.uuid, MAINTENANCE_URL: target.url }),
          ...(maintenance === undefined ? {} : { COOLIFY_TOKEN: maintenance.token }),
          ...(pageUrl === undefined ? {} : { PAGE_URL: pageUrl }),
        },
        after: [storage.bucket],
        preview,
      },
      { parent: this },
    );
    this.digest = application.digest;
    this.registerOutputs({ digest: this.digest });
  }
}

function keys(who: "WRITER" | "READER" | "PRUNER", identity: BackupStorage["writer"]) {
  return {
    [`BACKUP_${who}_ACCESS_KEY_ID`]: identity.accessKeyId,
    [`BACKUP_${who}_SECRET_ACCESS_KEY`]: identity.secretAccessKey,
  };
}
