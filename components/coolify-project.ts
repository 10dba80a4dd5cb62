import * as pulumi from "@pulumi/pulumi";
import { Placement, ProjectSpec } from "../operations/coolify/spec.ts";
import { operation } from "./command.ts";

export interface CoolifyProjectArgs {
  /** The project's name in Coolify. One of that name is adopted. */
  project: string;
  environment: string;
  /** The server's name or uuid in Coolify. */
  server: string;
  /** Where the server pulls from. The password is the process's REGISTRY_PASSWORD, never an input. */
  registry: { host: string; username: string };
}

/** The project and environment on Coolify that everything of a stack lives in, and the server's login to the registry. */
export class CoolifyProject extends pulumi.ComponentResource {
  static readonly __pulumiType = "affexai:coolify:CoolifyProject";
  readonly placement: pulumi.Output<Placement>;

  constructor(name: string, args: CoolifyProjectArgs, opts?: pulumi.ComponentResourceOptions) {
    super(CoolifyProject.__pulumiType, name, args, opts);
    const { project, environment, server, registry } = args;
    this.placement = operation(
      `${name}-apply`,
      {
        noun: "project",
        verb: "apply",
        spec: ProjectSpec,
        result: Placement,
        input: { owner: name, name: project, environment, server, registry },
        timeoutMinutes: 5,
      },
      { parent: this },
    );
    this.registerOutputs({ placement: this.placement });
  }
}
