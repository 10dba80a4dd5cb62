import { healthCheck } from "./health-command.ts";
import type { Job } from "./job.ts";

/**
 * Waits for docker's health state: the start period in full, then up to `retries` looks, `interval` apart. True at once when the check is
 * off: a crashing release passes. Throws when the container has no health state, as `docker inspect` fails then.
 * Source: Coolify 379abb2, health_check in ApplicationDeploymentJob.php.
 */
export async function healthGate(job: Job): Promise<boolean> {
  const { coolify, application, containerName } = job;
  const { columns } = application;
  if (!columns.health_check_enabled) return true;
  job.log("Waiting for healthcheck to pass on the new container.");
  const check = healthCheck(columns);
  if (check !== undefined) {
    const word = columns.health_check_type === "cmd" ? "Healthcheck command" : "Healthcheck URL";
    job.log(`${word} (inside the container): ${check.spoken}`);
  }
  job.log(`Waiting for the start period (${columns.health_check_start_period} seconds) before starting healthcheck.`);
  await coolify.clock.sleep(columns.health_check_start_period);
  let status = "";
  for (let attempt = 1; attempt <= columns.health_check_retries; attempt += 1) {
    const health = (await coolify.engine.inspect(containerName))?.State.Health;
    if (health === undefined) {
      throw new Error(`Health check failed: docker inspect ${containerName}: the container has no health state.`);
    }
    status = health.Status;
    job.log(`Attempt ${attempt} of ${columns.health_check_retries} | Healthcheck status: "${status}"`);
    const last = health.Log?.at(-1);
    if (last !== undefined) job.log(`Healthcheck logs: ${last.Output || "(no logs)"} | Return code: ${last.ExitCode}`);
    if (status === "healthy") {
      job.log("New container is healthy.");
      return true;
    }
    if (status === "unhealthy") {
      job.log("New container is unhealthy.", { type: "stderr" });
      break;
    }
    await coolify.clock.sleep(columns.health_check_interval);
  }
  if (status === "starting" || status === "unhealthy") await logTail(job);
  return false;
}

async function logTail(job: Job): Promise<void> {
  job.log("----------------------------------------");
  job.log("Container logs:");
  const command = `docker logs -n 100 ${job.containerName}`;
  const tail = await job.coolify.engine.logs(job.containerName, 100, false).catch(String);
  job.log(tail, { type: "stderr", command });
  job.log("----------------------------------------");
}
