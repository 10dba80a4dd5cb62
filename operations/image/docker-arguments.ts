import { runTitle } from "./run-id.ts";

/** A run of a command in a container of its own. */
export interface DockerRun {
  readonly runId: string;
  /** Pinned; already pulled. */
  readonly image: string;
  /** Node inside the image: it replaces the image's entry point. */
  readonly nodePath: string;
  readonly argv: readonly string[];
  /** The engine's network that it joins; `host` is the machine's own. */
  readonly network: string;
  /** Names only. Their values are in the environment of the docker client, where no other user sees them. */
  readonly variables: readonly string[];
}

/** What marks the containers of a run, so that a later process finds those that a killed one left. */
export const runLabel = "io.affexai.run";

/** Arguments for `docker` that run Node in the image: stdin open, removed when it ends. */
export function dockerRunArguments(run: DockerRun): string[] {
  return [
    ...["run", "--rm", "--interactive", "--pull", "never", "--network", run.network],
    ...["--name", runTitle(run.runId), "--label", `${runLabel}=${run.runId}`],
    ...["--entrypoint", run.nodePath],
    ...run.variables.flatMap((name) => ["--env", name]),
    run.image,
    ...run.argv,
  ];
}

/** The variables of `docker` for an engine; without one they are this process's own. */
export function dockerEnvironment(dockerHost: string | undefined): { readonly DOCKER_HOST?: string } {
  return dockerHost === undefined || dockerHost === "" ? {} : { DOCKER_HOST: dockerHost };
}

/** Arguments for `docker` that list the ids of a run's containers, one a line, also of those that have ended. */
export function dockerListArguments(runId: string): string[] {
  return ["ps", "--all", "--quiet", "--no-trunc", "--filter", `label=${runLabel}=${runId}`];
}
