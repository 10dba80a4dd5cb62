import * as pulumi from "@pulumi/pulumi";
import {
  LedgerEntryResult,
  LedgerEntrySpec,
  type LedgerLocation,
  type ReleaseRecord,
  type ReleaseStamp,
} from "../operations/release/spec.ts";
import type { MaintenanceTarget } from "../operations/coolify/spec.ts";
import { operation } from "./command.ts";

export interface LedgerEntryArgs {
  record: ReleaseRecord;
  stamp: ReleaseStamp;
  ledger: LedgerLocation;
  /** `owner/name` of the repository whose GitHub Deployments mirror the ledger. */
  repository?: string;
  /** Where users reach this environment. */
  url: pulumi.Input<string>;
  /** The role that the application connects as: what its migration froze is lifted with the entry. */
  app: string;
  /** What answers users meanwhile; turned off with the entry. */
  maintenance?: pulumi.Input<MaintenanceTarget> | undefined;
  /** As the owner of the schema. Secret. */
  databaseUrl: pulumi.Input<string>;
  /** DATABASE_SSH of the verb, where the database is reached through an ssh server; its key is inherited. */
  ssh?: string | undefined;
  /** Results of the smoke tests. */
  after: pulumi.Input<string>[];
}

/** Closes the attempt as verified, and lets the application write. From here on the release is the last known good one. */
export class LedgerEntry extends pulumi.ComponentResource {
  static readonly __pulumiType = "affexai:release:LedgerEntry";
  /** The release, once it is verified: what the next run keeps when nobody names another. */
  readonly release: pulumi.Output<ReleaseRecord>;

  constructor(name: string, args: LedgerEntryArgs, opts?: pulumi.ComponentResourceOptions) {
    const { app, maintenance, databaseUrl: url, ssh, after, ...spec } = args;
    const databaseUrl = pulumi.secret(url);
    super(LedgerEntry.__pulumiType, name, { ...args, databaseUrl }, opts);
    const result = operation(
      `${name}-record`,
      {
        noun: "ledger",
        verb: "record",
        spec: LedgerEntrySpec,
        result: LedgerEntryResult,
        input: { ...spec, window: pulumi.output({ app, maintenance }), after: pulumi.all(after) },
        variables: { DATABASE_SSH: ssh },
        secrets: { DATABASE_URL: databaseUrl },
        timeoutMinutes: 15,
      },
      { parent: this },
    );
    this.release = result.apply(() => args.record);
    this.registerOutputs({ release: this.release });
  }
}
