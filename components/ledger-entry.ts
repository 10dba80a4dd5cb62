import * as pulumi from "@pulumi/pulumi";
import {
  LedgerEntryResult,
  LedgerEntrySpec,
  type LedgerLocation,
  type ReleaseRecord,
  type ReleaseStamp,
} from "../operations/release/spec.ts";
import { operation } from "./command.ts";

export interface LedgerEntryArgs {
  record: ReleaseRecord;
  stamp: ReleaseStamp;
  ledger: LedgerLocation;
  /** `owner/name` of the repository whose GitHub Deployments mirror the ledger. */
  repository?: string;
  /** Where users reach this environment. */
  url: pulumi.Input<string>;
  /** Results of the smoke tests. */
  after: pulumi.Input<string>[];
}

/** Closes the attempt as verified. From here on the release is the last known good one. */
export class LedgerEntry extends pulumi.ComponentResource {
  static readonly __pulumiType = "affexai:release:LedgerEntry";
  /** The release, once it is verified: what the next run keeps when nobody names another. */
  readonly release: pulumi.Output<ReleaseRecord>;

  constructor(name: string, args: LedgerEntryArgs, opts?: pulumi.ComponentResourceOptions) {
    super(LedgerEntry.__pulumiType, name, args, opts);
    const result = operation(
      `${name}-record`,
      {
        noun: "ledger",
        verb: "record",
        spec: LedgerEntrySpec,
        result: LedgerEntryResult,
        input: { ...args, after: pulumi.all(args.after) },
        timeoutMinutes: 5,
      },
      { parent: this },
    );
    this.release = result.apply(() => args.record);
    this.registerOutputs({ release: this.release });
  }
}
