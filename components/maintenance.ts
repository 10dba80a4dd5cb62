import * as pulumi from "@pulumi/pulumi";
import type { MaintenanceTarget, Placement } from "../operations/coolify/spec.ts";
import type { LedgerLocation } from "../operations/release/spec.ts";
import { CoolifyApplication } from "./coolify-application.ts";
import type { PreviewProbe } from "./preview-probe.ts";

export interface MaintenanceArgs {
  placement: pulumi.Input<Placement>;
  environment: string;
  /** The tools image by digest, known in preview. */
  image: pulumi.Input<string>;
  /** The public host names of all applications that it answers for. */
  hosts: string[];
  tls: boolean;
  /** The proxy's port, where it is neither 80 nor 443. */
  publicPort?: number | undefined;
  /** A page of users', without a trailing slash: what shows whether maintenance is on. */
  url: string;
  ledger: LedgerLocation;
  /** Says in a preview what would change on Coolify. */
  preview?: PreviewProbe | undefined;
}

/**
 * The application that answers 503 with Retry-After for all others while it is started, by routes of higher priority. It is created
 * stopped: `affexai maintenance on|off`, and a release that declares maintenance, start and stop it.
 */
export class Maintenance extends pulumi.ComponentResource {
  static readonly __pulumiType = "affexai:coolify:Maintenance";
  /** What is started and stopped. */
  readonly target: pulumi.Output<MaintenanceTarget>;

  constructor(name: string, args: MaintenanceArgs, opts?: pulumi.ComponentResourceOptions) {
    const { preview, ...declared } = args;
    super(Maintenance.__pulumiType, name, declared, opts);
    const { url, ...place } = declared;
    const application = new CoolifyApplication(
      `${name}-page`,
      {
        ...place,
        preview,
        standby: true,
        stamp: null,
        port: 8080,
        replicas: 1,
        // Several failures in a row, because a single late answer must not open the site, and few, because that is how long the
        // end takes to be noticed. Docker asks first after 5 s (its start interval), so the start period is no longer than that.
        health: { path: "/health", intervalSeconds: 1, timeoutSeconds: 2, retries: 4, startPeriodSeconds: 5 },
        versionPath: "/version",
        // Unhealthy for as long as Docker needs to say so and the proxy, at most 2 s later, to drop its routes.
        drain: { readySeconds: 3, drainSeconds: 10 },
        stopGracePeriodSeconds: 25,
        rolloutTimeoutSeconds: 120,
        limits: { memory: "128m" },
        variables: { AFFEXAI_SERVE: "maintenance" },
        secretVariables: {},
        after: [],
      },
      { parent: this },
    );
    this.target = application.uuids.apply(([uuid = ""]) => ({ uuid, url }));
    this.registerOutputs({ target: this.target });
  }
}
