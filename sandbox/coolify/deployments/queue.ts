import type { Coolify } from "../context.ts";
import { newPublicId, timestamp } from "../identifiers.ts";
import type { Application, Deployment } from "../records.ts";
import { locate, placeOf } from "../resources/lookup.ts";

export interface DeploymentRequest {
  force?: boolean;
  /** The tag to go back to; makes the deployment a rollback. */
  rollbackTo?: string;
  restartOnly?: boolean;
  /** instant_deploy: starts at once, past every limit. */
  skipsQueue?: boolean;
}

/** `skipped` names the deployment that was in the way: Coolify's handlers drop it and answer with an id that was never stored. */
export type Queued =
  | { status: "queued"; message: string; deploymentUuid: string }
  | { status: "skipped"; message: string; existing: string }
  | { status: "full"; message: string };

/** Runs one deployment to its end; never rejects. */
export type RunDeployment = (deployment: Deployment, application: Application) => Promise<void>;

/**
 * The deployment queue: one in progress for each application, `concurrent_builds` for each server, the rest queued, oldest first.
 * Source: Coolify 379abb2, bootstrap/helpers/applications.php.
 */
export class DeploymentQueue {
  #coolify: Coolify | undefined;
  #run: RunDeployment | undefined;
  readonly #running = new Set<Promise<void>>();
  readonly #cancels = new Map<string, AbortController>();

  /** Gives the queue what it works with. Needed once, before the first request. */
  attach(coolify: Coolify, run: RunDeployment): void {
    this.#coolify = coolify;
    this.#run = run;
  }

  /**
   * What Coolify does when it starts: deployments that were queued or in progress are failed, whatever their containers do
   * (379abb2, app/Console/Commands/Init.php).
   */
  failInterrupted(): void {
    for (const deployment of this.#deployments()) {
      if (deployment.status === "queued" || deployment.status === "in_progress") {
        deployment.status = "failed";
        deployment.updated_at = timestamp();
      }
    }
  }

  /** Queues a deployment, and starts it if it may run now. */
  add(application: Application, request: DeploymentRequest): Queued {
    const coolify = this.#attached();
    const { destination, server } = locate(coolify, application);
    const { environment, project } = placeOf(coolify, application);
    const queued = this.#deployments().filter((other) => other.serverId === server.id && other.status === "queued");
    if (queued.length >= server.deployment_queue_limit) {
      return { status: "full", message: "Deployment queue is full. Please wait for existing deployments to complete." };
    }
    const commit = request.rollbackTo ?? application.columns.git_commit_sha;
    const force = request.force === true;
    const existing = this.#deployments().find(
      (other) => other.applicationId === application.id && other.commit === commit && isOpen(other),
    );
    if (existing !== undefined && !force && request.rollbackTo === undefined && request.skipsQueue !== true) {
      return {
        status: "skipped",
        message: "Deployment already queued for this commit.",
        existing: existing.deployment_uuid,
      };
    }
    const uuid = newPublicId();
    const now = timestamp();
    const deployment: Deployment = {
      id: coolify.store.id(),
      applicationId: application.id,
      applicationName: application.columns.name,
      deployment_uuid: uuid,
      deployment_url: `/project/${project.uuid}/environment/${environment.uuid}/application/${application.uuid}/deployment/${uuid}`,
      serverId: server.id,
      serverName: server.name,
      destinationId: destination.id,
      commit,
      status: "queued",
      pull_request_id: 0,
      docker_registry_image_tag: null,
      force_rebuild: force,
      restart_only: request.restartOnly === true,
      rollback: request.rollbackTo !== undefined,
      is_api: true,
      logs: [],
      created_at: now,
      updated_at: now,
      finished_at: null,
    };
    this.#deployments().push(deployment);
    if (request.skipsQueue === true || this.#mayRun(deployment)) this.#start(deployment);
    return { status: "queued", message: "Deployment queued.", deploymentUuid: uuid };
  }

  /** Starts what may run on a server now, oldest first. Called when a deployment ends or is cancelled. */
  next(serverId: number): void {
    for (const deployment of this.#deployments()) {
      if (deployment.serverId === serverId && deployment.status === "queued" && this.#mayRun(deployment)) {
        this.#start(deployment);
      }
    }
  }

  /**
   * Marks a deployment as cancelled and starts the next. What the job does in Coolify's helper container ends at once; a health gate goes
   * on, and may still stop the old containers (379abb2, cancel_deployment in DeployController.php).
   */
  cancel(deployment: Deployment): void {
    deployment.status = "cancelled-by-user";
    deployment.updated_at = timestamp();
    this.#cancels.get(deployment.deployment_uuid)?.abort(new Error("Deployment cancelled by user"));
    this.next(deployment.serverId);
  }

  /** Aborted when the deployment is cancelled while its job runs. */
  cancelSignal({ deployment_uuid: uuid }: Deployment): AbortSignal {
    const controller = this.#cancels.get(uuid) ?? new AbortController();
    this.#cancels.set(uuid, controller);
    return controller.signal;
  }

  /** Resolves when no job runs. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  #mayRun({ applicationId, serverId }: Deployment): boolean {
    const active = this.#deployments().filter(({ status }) => status === "in_progress");
    if (active.some((other) => other.applicationId === applicationId)) return false;
    const server = this.#attached().store.state.servers.find(({ id }) => id === serverId);
    return active.filter((other) => other.serverId === serverId).length < (server?.concurrent_builds ?? 0);
  }

  #start(deployment: Deployment): void {
    deployment.status = "in_progress";
    deployment.updated_at = timestamp();
    const run = this.#runNow(deployment);
    this.#running.add(run);
    void run.finally(() => this.#running.delete(run));
  }

  /** The application is read here, when the job starts: two queued deployments can both roll the last settings. */
  async #runNow(deployment: Deployment): Promise<void> {
    const coolify = this.#attached();
    await coolify.store.save();
    const application = coolify.store.state.applications.find(({ id }) => id === deployment.applicationId);
    if (application !== undefined) await this.#run?.(deployment, structuredClone(application));
    this.#cancels.delete(deployment.deployment_uuid);
  }

  #attached(): Coolify {
    if (this.#coolify === undefined) throw new Error("sandbox/coolify: the deployment queue was used before attach().");
    return this.#coolify;
  }

  #deployments(): Deployment[] {
    return this.#attached().store.state.deployments;
  }
}

/** True while a deployment can still change. */
export function isOpen({ status }: Deployment): boolean {
  return status === "queued" || status === "in_progress";
}
