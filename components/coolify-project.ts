import * as pulumi from "@pulumi/pulumi";
import { Placement, ProjectSpec } from "../operations/coolify/spec.ts";
import { operation, ownerOf } from "./command.ts";

export interface CoolifyProjectArgs {
  /** The project's name in Coolify. One of that name is adopted. */
  project: string;
  environment: string;
  /** The server's name or uuid in Coolify. */
  server: string;
  /** One of the server's destinations, by name, network or uuid; needed only when it has several. */
  destination?: string;
  /** Name or number of the team that the token must act in. */
  team?: string;
  /** What is going to be routed there, by its name in Coolify: nothing else may have these names or be routed by these hosts. */
  applications: { name: string; hosts: string[] }[];
  /** Where the server pulls from. The password is the process's REGISTRY_PASSWORD, never an input. */
  registry: { host: string; username: string };
}

/**
 * The project and environment on Coolify that everything of a stack lives in, and the server's login to the registry. Before it makes
 * anything it looks at the token, the team, the server, names and hosts, and refuses all problems at once.
 */
export class CoolifyProject extends pulumi.ComponentResource {
  static readonly __pulumiType = "affexai:coolify:CoolifyProject";
  readonly placement: pulumi.Output<Placement>;

  constructor(name: string, args: CoolifyProjectArgs, opts?: pulumi.ComponentResourceOptions) {
    super(CoolifyProject.__pulumiType, name, args, opts);
    const { project, ...place } = args;
    this.placement = operation(
      `${name}-apply`,
      {
        noun: "project",
        verb: "apply",
        spec: ProjectSpec,
        result: Placement,
        input: { owner: ownerOf(name), name: project, ...place },
        timeoutMinutes: 5,
      },
      { parent: this },
    );
    this.registerOutputs({ placement: this.placement });
  }
}
