import type Docker from "dockerode";
import { applicationContainers } from "../resources/application-status.ts";
import { healthGate } from "./health-gate.ts";
import { Cancelled, hasFixedName, type Job } from "./job.ts";

/**
 * Starts the new container and stops the old ones. Without host ports, fixed names and `--ip` (any text that contains it): new first,
 * gate, then old. Otherwise old first, and no gate at all. Source: Coolify 379abb2, rolling_update, stop_running_container,
 * start_by_compose_file in ApplicationDeploymentJob.php.
 */
export async function rollingUpdate(
  job: Job,
  image: string,
  options: () => Docker.ContainerCreateOptions,
): Promise<void> {
  job.checkForCancellation();
  const reasons = whyNotRolling(job);
  job.log("----------------------------------------");
  try {
    if (reasons.length > 0) {
      for (const reason of reasons) job.log(`${reason}, rolling update is not supported.`);
      await stopOld(job);
      await startNew(job, image, options);
      return;
    }
    job.log("Rolling update started.");
    await startNew(job, image, options);
    const healthy = await healthGate(job);
    if (healthy) await stopOld(job);
    else await dropNew(job);
    job.log("Rolling update completed.");
  } catch (error) {
    if (error instanceof Cancelled) throw error;
    throw new Error(`Rolling update failed: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

function whyNotRolling({ application: { columns, settings } }: Job): string[] {
  const reasons: string[] = [];
  if (columns.ports_mappings !== null) reasons.push("Application has ports mapped to the host system");
  if (settings.is_consistent_container_name_enabled) reasons.push("Consistent container name feature enabled");
  if ((settings.custom_internal_name ?? "") !== "") reasons.push("Custom internal name is set");
  if (columns.custom_docker_run_options?.includes("--ip") === true) reasons.push("Custom IP address is set");
  return reasons;
}

async function startNew(job: Job, image: string, options: () => Docker.ContainerCreateOptions): Promise<void> {
  const { engine, logins } = job.coolify;
  try {
    job.log("Pulling latest images from the registry.");
    await engine.pull(image, await logins.find(image), job.signal);
    await engine.create(options());
    await engine.start(job.containerName);
  } catch (error) {
    throw new Error(`Failed to start container: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
  job.log("New container started.");
}

/** `docker stop` with the grace period, then rm, for one old container after the other. No drain. A failure here fails nothing. */
async function stopOld(job: Job): Promise<void> {
  job.log("Removing old containers.");
  try {
    const names = hasFixedName(job.application)
      ? [job.containerName]
      : (await applicationContainers(job.coolify, job.application.id))
          .map(({ name }) => name)
          .filter((name) => name !== job.containerName);
    for (const name of names) await shutDown(job, name);
  } catch (error) {
    job.log(`Warning: Could not remove old container: ${String(error)}`, { type: "stderr", hidden: true });
  }
}

/** The deployment is failed, and the next one may start, before the new container is stopped. */
async function dropNew(job: Job): Promise<void> {
  job.log("Removing old containers.");
  job.log("----------------------------------------");
  job.log(
    "WARNING: Dockerfile or Docker Image based deployment detected. The healthcheck needs a curl or wget command to check the health of the application. Please make sure that it is available in the image or turn off healthcheck on Coolify's UI.",
  );
  job.log("----------------------------------------");
  job.log("New container is not healthy, rolling back to the old container.");
  job.finish("failed");
  await shutDown(job, job.containerName);
}

async function shutDown(job: Job, name: string): Promise<void> {
  const { engine } = job.coolify;
  const seconds = job.application.settings.stop_grace_period ?? 30;
  try {
    await engine.stop(name, seconds);
    await engine.remove(name);
  } catch (error) {
    job.log(`Error stopping container ${name}: ${String(error)}`, { type: "stderr" });
  }
}
