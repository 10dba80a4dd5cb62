import type { Coolify } from "../context.ts";
import { timestamp } from "../identifiers.ts";
import type { Application, Deployment } from "../records.ts";
import { locate } from "../resources/lookup.ts";
import { variablesOf } from "../resources/variable-rows.ts";
import { containerOptions, labelLines } from "./container-options.ts";
import { postDeployment, preDeployment } from "./deployment-commands.ts";
import { parseDotenv } from "./dotenv.ts";
import { dotenvFile } from "./environment.ts";
import { renderReference } from "./image-reference.ts";
import { Cancelled, createJob, hasFixedName, type Job } from "./job.ts";
import { rollingUpdate } from "./rolling-update.ts";

/**
 * A deployment of an image, step by step as Coolify does it, without its helper container (379abb2, ApplicationDeploymentJob.php): pre-deployment
 * command in the old container, compose file and .env, rolling update, status, post-deployment command. Never rejects.
 */
export async function runDeployment(coolify: Coolify, deployment: Deployment, application: Application): Promise<void> {
  const job = createJob(coolify, deployment, application);
  try {
    await deploy(job);
  } catch (error) {
    await fail(job, error);
  } finally {
    if (!coolify.signal.aborted) {
      deployment.finished_at = timestamp();
      job.log(`Gracefully shutting down build container: ${deployment.deployment_uuid}`);
      await coolify.store.save();
    }
  }
}

async function deploy(job: Job): Promise<void> {
  const { coolify, deployment, application } = job;
  const { columns } = application;
  const { server, destination } = locate(coolify, application);
  const tag =
    deployment.rollback && coolify.version.atLeast("4.3.12") ? deployment.commit : columns.docker_registry_image_tag;
  const image = renderReference(columns.docker_registry_image_name ?? "", tag);
  job.log(`Starting deployment of ${image} to ${server.name}.`);
  job.checkForCancellation();
  await preDeployment(job);
  job.checkForCancellation();
  const labels = labelLines(coolify, application);
  const rows = variablesOf(coolify, "application", application.id);
  const file = dotenvFile(application, rows, { commit: deployment.commit, containerName: job.containerName });
  job.log("Creating .env file with runtime variables for container.", { hidden: true });
  await coolify.engine.ensureNetwork(destination.network);
  await rollingUpdate(job, image, () =>
    containerOptions(coolify, application, {
      containerName: job.containerName,
      image,
      labels,
      variables: parseDotenv(file),
    }),
  );
  job.finish("finished");
  await postDeployment(job);
}

/** What Coolify does with an exception: failed, and the new container is removed unless it has a fixed name or the job was cancelled. */
async function fail(job: Job, error: unknown): Promise<void> {
  const { coolify, application } = job;
  if (coolify.signal.aborted) return;
  try {
    job.finish("failed");
  } catch (cancelled) {
    if (cancelled instanceof Cancelled) return;
    throw cancelled;
  }
  const rule = "========================================";
  job.log(rule, { type: "stderr" });
  job.log(`Deployment failed: ${error instanceof Error ? error.message : String(error)}`, { type: "stderr" });
  job.log(rule, { type: "stderr" });
  if (error instanceof Cancelled || hasFixedName(application)) return;
  job.log("Deployment failed. Removing the new version of your application.", { type: "stderr" });
  await coolify.engine.remove(job.containerName).catch((problem: unknown) => {
    job.log(`Could not remove ${job.containerName}: ${String(problem)}`, { type: "stderr", hidden: true });
  });
}
