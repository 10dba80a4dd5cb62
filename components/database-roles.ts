import * as pulumi from "@pulumi/pulumi";
import { RandomPassword } from "@pulumi/random/randomPassword.js";
import { RolesResult, RolesSpec } from "../operations/database/spec.ts";
import { operation } from "./command.ts";

export interface DatabaseRolesArgs {
  /** A role that may create roles and databases. Secret. */
  adminUrl: pulumi.Input<string>;
  database: string;
  /** DATABASE_SSH of the verb, where the database is reached through an ssh server; its key is inherited. */
  ssh?: string | undefined;
}

/**
 * The three roles of a database: the migrator owns the schema, the application reads and writes rows, the backup role only reads.
 * TypeORM's `synchronize` cannot alter anything as the application's role, whoever turns it on.
 */
export class DatabaseRoles extends pulumi.ComponentResource {
  static readonly __pulumiType = "affexai:database:DatabaseRoles";
  /** The roles' names. */
  readonly migrator: string;
  readonly app: string;
  readonly backup: string;
  /** Secret, as the other two. */
  readonly migratorUrl: pulumi.Output<string>;
  readonly appUrl: pulumi.Output<string>;
  readonly backupUrl: pulumi.Output<string>;

  constructor(name: string, args: DatabaseRolesArgs, opts?: pulumi.ComponentResourceOptions) {
    const adminUrl = pulumi.secret(args.adminUrl);
    const { database, ssh } = args;
    super(DatabaseRoles.__pulumiType, name, { adminUrl, database, ssh }, opts);
    const child = { parent: this };
    const password = (role: string) =>
      new RandomPassword(`${name}-${role}-password`, { length: 32, special: false }, child).result;
    const passwords = { migrator: password("migrator"), app: password("app"), backup: password("backup") };
    const roles = { migrator: `${database}_migrator`, app: `${database}_app`, backup: `${database}_backup` };
    this.migrator = roles.migrator;
    this.app = roles.app;
    this.backup = roles.backup;
    const created = operation(
      `${name}-apply`,
      {
        noun: "roles",
        verb: "apply",
        spec: RolesSpec,
        result: RolesResult,
        input: { owner: name, database, ...roles },
        variables: { DATABASE_SSH: ssh },
        secrets: {
          ADMIN_DATABASE_URL: adminUrl,
          MIGRATOR_PASSWORD: passwords.migrator,
          APP_PASSWORD: passwords.app,
          BACKUP_PASSWORD: passwords.backup,
        },
        timeoutMinutes: 10,
      },
      child,
    );
    const urlOf = (role: keyof typeof roles) =>
      pulumi.secret(
        pulumi
          .all([adminUrl, passwords[role], created])
          .apply(([admin, secret]) => asRole(admin, roles[role], secret, database)),
      );
    this.migratorUrl = urlOf("migrator");
    this.appUrl = urlOf("app");
    this.backupUrl = urlOf("backup");
    this.registerOutputs({ migratorUrl: this.migratorUrl, appUrl: this.appUrl, backupUrl: this.backupUrl });
  }
}

/** The same server, and the same parameters such as `sslmode`, as another role. */
function asRole(adminUrl: string, role: string, password: string, database: string): string {
  const url = new URL(adminUrl);
  url.username = role;
  url.password = password;
  url.pathname = `/${database}`;
  return url.href;
}
