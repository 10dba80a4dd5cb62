import * as pulumi from "@pulumi/pulumi";
import type { z } from "zod";
import type { MaintenanceTarget } from "../operations/coolify/spec.ts";
import { type ImageRuntime, MigrationResult, MigrationSpec } from "../operations/migration/spec.ts";
import { type ProtectedTable } from "../operations/database/spec.ts";
import type { LedgerLocation, ReleaseRecord, ReleaseStamp, VerifiedRelease } from "../operations/release/spec.ts";
import { operation } from "./command.ts";

export interface DatabaseMigrationArgs {
  /** The release whose migrations run, with the TypeORM options found in its image. */
  record: ReleaseRecord;
  stamp: ReleaseStamp;
  /** The release before this one: what it lacks of this one's migrations is pending, and judged in preview. Null: all of them are. */
  previous: VerifiedRelease | null;
  /** The bucket that takes the backup made before anything changes, and the ledger of attempts. */
  ledger: LedgerLocation;
  /** The backend's image by digest, known in preview. */
  image: pulumi.Input<string>;
  imageRuntime: z.infer<typeof ImageRuntime>;
  /** The TypeORM data source, relative to the image's working directory. */
  dataSource: string;
  /** Node inside the image. */
  nodePath: string;
  /** The role that the application connects as: frozen during maintenance. */
  app: string;
  /** As the owner of the schema. Secret. */
  databaseUrl: pulumi.Input<string>;
  /** As the role that reads everything. Secret. */
  backupDatabaseUrl: pulumi.Input<string>;
  /** DATABASE_SSH of the verb, where the database is reached through an ssh server; its key is inherited. */
  ssh?: string | undefined;
  /** A migration waits this long for a lock, so that it never makes the users wait longer. */
  lockTimeoutSeconds: number;
  statementTimeoutSeconds: number;
  protectedTables: z.infer<typeof ProtectedTable>[];
  /** A release without pending migrations accepts a verified backup younger than this. */
  backupMaxAgeSeconds: number;
  /** Public keys of age that the backup is encrypted to, and a private one, by which the way back reads it. */
  encryption?: { recipients: string[]; identity: pulumi.Input<string> } | undefined;
  /** What answers users while a release that declares maintenance migrates. */
  maintenance?: pulumi.Input<MaintenanceTarget> | undefined;
  /** What must be in place first: the storage, the roles. */
  after: pulumi.Resource[];
}

/**
 * Applies a release's pending migrations, guarded: backup, fingerprint, migrate, verify, and the way back when it fails.
 * Applications depend on it, so no code of the new release serves before it has passed.
 */
export class DatabaseMigration extends pulumi.ComponentResource {
  static readonly __pulumiType = "affexai:database:DatabaseMigration";
  /** The attempt in the ledger that this run belongs to. */
  readonly attempt: pulumi.Output<string>;
  readonly outcome: pulumi.Output<string>;
  /** Id of the backup behind this deployment. */
  readonly backup: pulumi.Output<string>;

  constructor(name: string, args: DatabaseMigrationArgs, opts?: pulumi.ComponentResourceOptions) {
    const { databaseUrl, backupDatabaseUrl, ssh, encryption, previous, after, ...spec } = args;
    const secrets = {
      databaseUrl: pulumi.secret(databaseUrl),
      backupDatabaseUrl: pulumi.secret(backupDatabaseUrl),
      ...(encryption === undefined ? {} : { backupIdentity: pulumi.secret(encryption.identity) }),
    };
    const recipients = encryption?.recipients;
    super(DatabaseMigration.__pulumiType, name, { ...spec, previous, ssh, recipients, ...secrets }, opts);
    const result = operation(
      `${name}-run`,
      {
        noun: "migration",
        verb: "run",
        spec: MigrationSpec,
        result: MigrationResult,
        input: { owner: name, ...spec },
        variables: { DATABASE_SSH: ssh, BACKUP_RECIPIENTS: recipients?.join(",") },
        secrets: {
          DATABASE_URL: secrets.databaseUrl,
          BACKUP_DATABASE_URL: secrets.backupDatabaseUrl,
          ...(secrets.backupIdentity === undefined ? {} : { BACKUP_IDENTITY: secrets.backupIdentity }),
        },
        timeoutMinutes: 240,
      },
      { parent: this, dependsOn: after },
    );
    this.attempt = result.attempt;
    this.outcome = result.outcome;
    this.backup = result.backup;
    // The ledger, too: rules about a whole stack see outputs only.
    this.registerOutputs({
      ...{ attempt: this.attempt, outcome: this.outcome, backup: this.backup },
      ledger: args.ledger,
    });
  }
}
