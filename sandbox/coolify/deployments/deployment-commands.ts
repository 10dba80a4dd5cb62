import type { ContainerState } from "../docker/engine.ts";
import { applicationContainers } from "../resources/application-status.ts";
import type { Job } from "./job.ts";

/**
 * Runs pre_deployment_command with `sh -c` in the container that runs now, so in the old version. Skipped without one; a non-zero exit
 * fails the deployment. Source: Coolify 379abb2, run_pre_deployment_command.
 */
export async function preDeployment(job: Job): Promise<void> {
  const { pre_deployment_command: command, pre_deployment_command_container: wanted } = job.application.columns;
  if (command === null || command === "") return;
  const containers = await applicationContainers(job.coolify, job.application.id);
  if (containers.length === 0) {
    job.log("Pre-deployment command: No running containers found. Skipping.");
    return;
  }
  job.log("Executing pre-deployment command (see debug log for output/errors).");
  const container = choose(job, containers, wanted, "Pre-deployment");
  if (container === undefined) {
    throw new Error("Pre-deployment command: Could not find a valid container. Is the container name correct?");
  }
  const { exitCode, output } = await run(job, container, command);
  if (exitCode !== 0) throw new Error(`Command execution failed (exit code ${exitCode}): ${output}`);
}

/**
 * The same after the status is set; a failure is only logged. After a failed gate it runs too, in the old container.
 * Source: Coolify 379abb2, run_post_deployment_command and post_deployment.
 */
export async function postDeployment(job: Job): Promise<void> {
  const { post_deployment_command: command, post_deployment_command_container: wanted } = job.application.columns;
  if (command === null || command === "") return;
  job.log("----------------------------------------");
  job.log("Executing post-deployment command (see debug log for output).");
  try {
    const containers = await applicationContainers(job.coolify, job.application.id);
    if (containers.length === 0) {
      job.log("Post-deployment command: No running containers found. Skipping.");
      return;
    }
    const container = choose(job, containers, wanted, "Post-deployment");
    if (container === undefined) return;
    const { exitCode, output } = await run(job, container, command);
    if (exitCode === 0) return;
    job.log("Post-deployment command failed.");
    job.log(output, { type: "stderr" });
  } catch (error) {
    job.log(`Post-deployment command failed: ${String(error)}`, { type: "stderr" });
  }
}

async function run(job: Job, { name }: ContainerState, command: string): Promise<{ exitCode: number; output: string }> {
  const line = command.replaceAll(/\r\n|\r|\n/g, " ");
  const result = await job.coolify.engine.exec(name, ["sh", "-c", line]);
  job.log(result.output, { hidden: true, command: `docker exec ${name} sh -c '${line.replaceAll("'", "'\\''")}'` });
  return result;
}

/** The only container; among several the one whose name starts with `<wanted>-<uuid>`. */
function choose(
  job: Job,
  containers: ContainerState[],
  wanted: string | null,
  type: string,
): ContainerState | undefined {
  const [first] = containers;
  if (containers.length === 1) return first;
  const available = containers.map(({ name }) => name).join(", ");
  if (wanted === null) {
    job.log(`${type} command: Multiple containers found but no container name specified. Available: ${available}`);
    return undefined;
  }
  const found = containers.find(({ name }) => name.startsWith(`${wanted}-${job.application.uuid}`));
  if (found === undefined) job.log(`${type} command: Container '${wanted}' not found. Available: ${available}`);
  return found;
}
