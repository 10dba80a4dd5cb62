import * as pulumi from "@pulumi/pulumi";
import {
  ApplicationResult,
  ApplicationSpec,
  type AssetRoute,
  type Canary,
  type HealthGate,
  type Placement,
} from "../operations/coolify/spec.ts";
import { type Drain, drainVariables } from "../operations/drain/spec.ts";
import type { LedgerLocation, ReleaseStamp } from "../operations/release/spec.ts";
import { operation, ownerOf } from "./command.ts";
import type { PreviewProbe } from "./preview-probe.ts";

export interface CoolifyApplicationArgs {
  placement: pulumi.Input<Placement>;
  environment: string;
  /** `<registry>/<repository>@sha256:<64 hex>`, known in preview. */
  image: pulumi.Input<string>;
  port: number;
  /** Public host names; empty for a worker. */
  hosts: string[];
  tls: boolean;
  /** Left out where files of different builds do not differ, or pages do not say which they mean. */
  assets?: AssetRoute;
  /** The proxy's port, where it is neither 80 nor 443. */
  publicPort?: number;
  /** Containers that serve at the same time. */
  replicas: number;
  /** What has to answer before a new container gets requests, and as long as it gets them. */
  health: HealthGate;
  /** Answers `{release, digest, gitSha}` of what really runs. */
  versionPath: string;
  /** How the first replica of a new image is watched before the next one moves. Null, or left out: not at all. */
  canary?: Canary | null;
  drain: Drain;
  stopGracePeriodSeconds: number;
  limits: { memory?: string; cpus?: string };
  /** Shown in state and previews. */
  variables: Record<string, pulumi.Input<string>>;
  secretVariables: Record<string, pulumi.Input<string>>;
  /** Null for what is part of no release. */
  stamp: ReleaseStamp | null;
  ledger: LedgerLocation;
  /** Left stopped; while somebody has it started, its routes win over those of the other applications on its hosts. */
  standby?: boolean;
  rolloutTimeoutSeconds: number;
  /** Results of what must have passed before, such as the migration's attempt. */
  after: pulumi.Input<string>[];
  /** Says in a preview what would change on Coolify. */
  preview?: PreviewProbe | undefined;
}

/**
 * One application at one digest on Coolify: settings, variables, labels, health gate, rollout of its replicas one by one.
 *
 * It is done when every replica answers with that digest. When one does not, those before it go back, the old release goes on
 * serving, and the resource fails. The platform itself tells the application its digest (`AFFEXAI_IMAGE_DIGEST`) and its drain times.
 */
export class CoolifyApplication extends pulumi.ComponentResource {
  static readonly __pulumiType = "affexai:coolify:CoolifyApplication";
  /** Where users reach it, without a trailing slash; null for a worker. */
  readonly url: pulumi.Output<string | null>;
  /** In the ledger; `none` for what is part of no release. */
  readonly attempt: pulumi.Output<string>;
  readonly digest: pulumi.Output<string>;
  readonly uuids: pulumi.Output<string[]>;

  constructor(name: string, args: CoolifyApplicationArgs, opts?: pulumi.ComponentResourceOptions) {
    const { after, preview, secretVariables: given, ...declared } = args;
    const owner = ownerOf(name);
    const secretVariables = Object.fromEntries(
      Object.entries(given).map(([key, value]) => [key, pulumi.secret(value)]),
    );
    const variables = { ...args.variables, ...platformVariables(args) };
    super(CoolifyApplication.__pulumiType, name, { ...declared, variables, secretVariables }, opts);
    this.#check(args);
    const result = operation(
      `${name}-apply`,
      {
        noun: "application",
        verb: "apply",
        spec: ApplicationSpec,
        result: ApplicationResult,
        input: {
          ...declared,
          owner,
          name,
          variables: pulumi.output(variables),
          secretVariables: Object.keys(secretVariables).sort(),
          after: pulumi.all(after),
        },
        secrets: Object.fromEntries(Object.entries(secretVariables).map(([key, value]) => [`VARIABLE_${key}`, value])),
        timeoutMinutes: Math.ceil(longestSeconds(args) / 60) + 5,
      },
      { parent: this },
    );
    preview?.add(this, { ...declared, owner, name, variables }, secretVariables);
    this.url = result.url;
    this.attempt = result.attempt.apply((attempt) => attempt ?? "none");
    this.digest = result.digest;
    this.uuids = result.uuids;
    this.registerOutputs({ url: this.url, attempt: this.attempt, digest: this.digest, uuids: this.uuids });
  }

  #check(args: CoolifyApplicationArgs) {
    const both = Object.keys(args.variables).filter((key) => key in args.secretVariables);
    if (both.length > 0) {
      throw new pulumi.ResourceError(
        `${both.join(", ")} is both in variables and in secretVariables. Keep the secret one.`,
        this,
        true,
      );
    }
  }
}

/** What the rollout of all replicas may take. */
function longestSeconds({ replicas, rolloutTimeoutSeconds, canary }: CoolifyApplicationArgs): number {
  return replicas * rolloutTimeoutSeconds + (canary?.holdSeconds ?? 0);
}

/** What only the platform knows. */
function platformVariables(args: CoolifyApplicationArgs) {
  return {
    AFFEXAI_IMAGE_DIGEST: pulumi.output(args.image).apply((image) => image.slice(image.indexOf("@") + 1)),
    ...drainVariables({ ...args, routed: args.hosts.length > 0 }),
    PORT: `${args.port}`,
  };
}
