import * as pulumi from "@pulumi/pulumi";
import { type Placement, PostgresSpec } from "../operations/coolify/spec.ts";
import { ownerOf } from "./command.ts";
import { coolifyDatabase } from "./coolify-database.ts";

export type PostgresDatabaseArgs =
  | {
      kind: "coolify";
      placement: pulumi.Input<Placement>;
      /** Image with a tag: a database is upgraded on purpose, not by a release. */
      image: string;
      database: string;
    }
  | {
      kind: "external";
      /** An existing server's URL, as a role that may create roles and databases. Secret. */
      adminUrl: pulumi.Input<string>;
      database: string;
    };

/** The administrator that Coolify's database is created with. */
const administrator = "affexai_admin";

/** PostgreSQL: private on Coolify and protected from deletion, or a server of somebody else's, adopted by its URL. */
export class PostgresDatabase extends pulumi.ComponentResource {
  static readonly __pulumiType = "affexai:coolify:PostgresDatabase";
  /** `postgresql://<administrator>:<password>@<host>:<port>/<database>`. Secret. */
  readonly adminUrl: pulumi.Output<string>;
  readonly database: string;

  constructor(name: string, args: PostgresDatabaseArgs, opts?: pulumi.ComponentResourceOptions) {
    const declared = args.kind === "external" ? { ...args, adminUrl: pulumi.secret(args.adminUrl) } : args;
    super(PostgresDatabase.__pulumiType, name, declared, opts);
    this.database = args.database;
    this.adminUrl = args.kind === "external" ? pulumi.secret(args.adminUrl) : this.#onCoolify(name, args);
    this.registerOutputs({ adminUrl: this.adminUrl, database: this.database });
  }

  #onCoolify(name: string, args: Extract<PostgresDatabaseArgs, { kind: "coolify" }>): pulumi.Output<string> {
    const { placement, image, database } = args;
    const { password, server } = coolifyDatabase(
      name,
      {
        noun: "postgres",
        spec: PostgresSpec,
        input: { owner: ownerOf(name), placement, name: `${database}-postgres`, image, user: administrator, database },
        passwordVariable: "POSTGRES_PASSWORD",
      },
      this,
    );
    return pulumi.secret(
      pulumi.interpolate`postgresql://${administrator}:${password}@${server.host}:${server.port}/${database}`,
    );
  }
}
