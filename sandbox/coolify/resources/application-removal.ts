import type { Coolify } from "../context.ts";
import type { Application } from "../records.ts";
import { applicationContainers } from "./application-status.ts";

/** Stops and removes an application's containers, one after another, with its grace period (Coolify 379abb2, StopApplication.php). */
export async function stopApplication(coolify: Coolify, application: Application): Promise<void> {
  const seconds = application.settings.stop_grace_period ?? 30;
  for (const { name } of await applicationContainers(coolify, application.id)) {
    await coolify.engine.stop(name, seconds);
    await coolify.engine.remove(name);
  }
}

/**
 * Stops it, then forgets it and everything of its own; volumes too unless told otherwise. When the engine fails, Coolify forgets it all the
 * same, and the containers stay (379abb2, DeleteResourceJob.php).
 */
export async function removeApplication(
  coolify: Coolify,
  application: Application,
  { deleteVolumes }: { deleteVolumes: boolean },
): Promise<void> {
  const { state } = coolify.store;
  const mine = ({ owner, ownerId }: { owner: string; ownerId: number }): boolean =>
    owner === "application" && ownerId === application.id;
  try {
    await stopApplication(coolify, application);
    for (const { name, host_path } of state.storages.filter(mine)) {
      if (deleteVolumes && name !== null && host_path === null) await coolify.engine.removeVolume(name);
    }
  } catch (error) {
    if (coolify.signal.aborted) throw error;
  }
  state.applications = state.applications.filter(({ id }) => id !== application.id);
  state.variables = state.variables.filter((variable) => !mine(variable));
  state.storages = state.storages.filter((storage) => !mine(storage));
  state.tasks = state.tasks.filter((task) => !mine(task));
  state.deployments = state.deployments.filter(({ applicationId }) => applicationId !== application.id);
  await coolify.store.save();
}
