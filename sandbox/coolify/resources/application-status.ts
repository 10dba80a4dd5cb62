import type { Coolify } from "../context.ts";
import type { ContainerState } from "../docker/engine.ts";
import type { Application } from "../records.ts";

const lastSeen = new WeakMap<Application, string>();

/**
 * The status of an application from its containers. Coolify reads them once a minute and after deployments; here each question reads
 * them. While the engine does not answer, the last status seen stays, as in Coolify.
 */
export async function applicationStatus(coolify: Coolify, application: Application): Promise<string> {
  try {
    const status = aggregate(await applicationContainers(coolify, application.id));
    lastSeen.set(application, status);
    return status;
  } catch {
    return lastSeen.get(application) ?? "exited:unhealthy";
  }
}

/** The containers of an application's own deployments, not of previews (Coolify 379abb2, getCurrentApplicationContainerStatus). */
export async function applicationContainers(coolify: Coolify, id: number): Promise<ContainerState[]> {
  const all = await coolify.engine.withLabel("coolify.applicationId", `${id}`);
  return all.filter(({ labels }) => Number(labels["coolify.pullRequestId"] ?? 0) === 0);
}

/**
 * One status for several containers (Coolify 379abb2, app/Services/ContainerStatusAggregator.php, app/Actions/Docker/GetContainersStatus.php).
 * A health of `starting` counts as running; only "no health check" is `unknown`. Stopped reads `exited:unhealthy`.
 */
export function aggregate(containers: readonly ContainerState[]): string {
  const has = (...states: string[]): boolean => containers.some(({ state }) => states.includes(state));
  const running = containers.filter(({ state }) => state === "running");
  const restarts = Math.max(0, ...containers.map(({ restartCount }) => restartCount));
  if (containers.length === 0) return "exited:unhealthy";
  if (has("restarting")) return "restarting:unknown";
  if (has("exited") && (restarts > 0 || running.length > 0)) return "degraded:unhealthy";
  if (running.length > 0 && has("created")) return "starting:unknown";
  if (running.some(({ health }) => health === "unhealthy")) return "running:unhealthy";
  if (running.some(({ health }) => health === null)) return "running:unknown";
  if (running.length > 0) return "running:healthy";
  if (has("dead", "removing")) return "degraded:unhealthy";
  if (has("paused")) return "paused:unknown";
  if (has("created")) return "starting:unknown";
  return "exited:unhealthy";
}
