import type { Coolify } from "../context.ts";
import { timestamp } from "../identifiers.ts";
import type { Application, Deployment } from "../records.ts";
import { locate } from "../resources/lookup.ts";
import { logEntry } from "./log.ts";
import { isOpen } from "./queue.ts";

/** Somebody cancelled the deployment: its new container is then left alone. */
export class Cancelled extends Error {
  override readonly name = "Cancelled";
}

/** One deployment while it runs. */
export interface Job {
  coolify: Coolify;
  deployment: Deployment;
  /** A copy of the application as it was when the job started. */
  application: Application;
  containerName: string;
  /** Ends when the server closes, somebody cancels, or the deployment has taken the server's dynamic_timeout. */
  signal: AbortSignal;
  log(message: string, options?: { type?: "stdout" | "stderr"; hidden?: boolean; command?: string }): void;
  /** Throws when somebody has cancelled the deployment meanwhile. */
  checkForCancellation(): void;
  /** Ends the deployment and starts the next; does nothing when it has ended, throws when it was cancelled. */
  finish(status: "finished" | "failed"): void;
}

/** A job for a deployment that starts now. */
export function createJob(coolify: Coolify, deployment: Deployment, application: Application): Job {
  const { server } = locate(coolify, application);
  const job: Job = {
    coolify,
    deployment,
    application,
    containerName: containerName(application),
    signal: AbortSignal.any([
      coolify.signal,
      coolify.queue.cancelSignal(deployment),
      AbortSignal.timeout(server.dynamic_timeout * 1000),
    ]),
    log(message, options) {
      logEntry(coolify, deployment, message, options);
      deployment.updated_at = timestamp();
      coolify.store.saveSoon();
    },
    checkForCancellation() {
      if (deployment.status !== "cancelled-by-user") return;
      job.log("Deployment cancelled by user, stopping execution.");
      throw new Cancelled("Deployment cancelled by user");
    },
    finish(status) {
      job.checkForCancellation();
      if (!isOpen(deployment)) return;
      deployment.status = status;
      deployment.updated_at = timestamp();
      coolify.queue.next(deployment.serverId);
    },
  };
  return job;
}

/** True when the container's name stays the same from one deployment to the next. */
export function hasFixedName({ settings }: Application): boolean {
  return settings.is_consistent_container_name_enabled || (settings.custom_internal_name ?? "") !== "";
}

/**
 * `{uuid}-{HHMMSS and microseconds}`; the uuid alone with consistent names, or the custom internal name. A prefix (from 4.4) stands
 * before the time and keeps the rolling update.
 */
function containerName({ uuid, settings }: Application): string {
  if (settings.is_consistent_container_name_enabled) return uuid;
  if (settings.custom_internal_name !== null && settings.custom_internal_name !== "")
    return settings.custom_internal_name;
  const time = new Date().toISOString().slice(11, 23).replaceAll(/[:.]/g, "");
  const micro = `${process.hrtime.bigint() % 1000n}`.padStart(3, "0");
  return `${settings.custom_container_name_prefix ?? uuid}-${time}${micro}`;
}
