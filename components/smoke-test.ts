import * as pulumi from "@pulumi/pulumi";
import type { z } from "zod";
import {
  type CriticalPath,
  type LedgerLocation,
  type ReleaseStamp,
  type RunningApplication,
  SmokeTestResult,
  SmokeTestSpec,
} from "../operations/release/spec.ts";
import { operation } from "./command.ts";

export interface SmokeTestArgs {
  stamp: ReleaseStamp;
  ledger: LedgerLocation;
  applications: pulumi.Input<RunningApplication[]>;
  /** Requests that must work for the release to count. */
  criticalPaths: z.infer<typeof CriticalPath>[];
  /** Each application has to answer with the declared release this many times in a row. */
  consecutive: number;
  timeoutSeconds: number;
  /** Results of the rollouts. */
  after: pulumi.Input<string>[];
}

/** Asks what users ask, through the public route: the version that runs is the declared one, and the critical paths work. */
export class SmokeTest extends pulumi.ComponentResource {
  static readonly __pulumiType = "affexai:release:SmokeTest";
  readonly attempt: pulumi.Output<string>;

  constructor(name: string, args: SmokeTestArgs, opts?: pulumi.ComponentResourceOptions) {
    super(SmokeTest.__pulumiType, name, args, opts);
    const result = operation(
      `${name}-run`,
      {
        noun: "smoke",
        verb: "run",
        spec: SmokeTestSpec,
        result: SmokeTestResult,
        input: { ...args, after: pulumi.all(args.after) },
        timeoutMinutes: Math.ceil(args.timeoutSeconds / 60) + 2,
      },
      { parent: this },
    );
    this.attempt = result.attempt;
    this.registerOutputs({ attempt: this.attempt });
  }
}
