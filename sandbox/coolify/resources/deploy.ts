import type { Coolify } from "../context.ts";
import type { Queued } from "../deployments/queue.ts";
import { ok, refuse, type Reply } from "../http/reply.ts";
import { flag, text, type ApiRequest } from "../http/request.ts";
import { stateChange, type Route } from "../http/route.ts";
import { newPublicId } from "../identifiers.ts";
import { plain, type Fields } from "../json.ts";
import type { Application, Database } from "../records.ts";
import { startDatabase } from "./database-actions.ts";
import { teamOf } from "./lookup.ts";

/**
 * The deploy endpoint, which is also Coolify's "deploy webhook" (379abb2, DeployController.php). `tag` is a tag of resources, never of an image.
 */
export function deployRoutes(coolify: Coolify): Route[] {
  return stateChange(coolify.version, {
    path: "/deploy",
    ability: "deploy",
    handle: (request) => deploy(coolify, request),
  });
}

function deploy(coolify: Coolify, { input, teamId }: ApiRequest): Reply {
  const [uuids, tags] = [text(input, "uuid"), text(input, "tag")];
  const force = flag(input, "force");
  const pullRequest = Math.max(Math.trunc(Number(text(input, "pull_request_id") ?? text(input, "pr") ?? 0)) || 0, 0);
  const dockerTag = text(input, "docker_tag");
  if (uuids !== undefined && tags !== undefined) throw refuse(400, "You can only use uuid or tag, not both.");
  if (tags !== undefined && pullRequest > 0) throw refuse(400, "You can only use tag or pr, not both.");
  if (dockerTag !== undefined && pullRequest === 0) throw refuse(400, "docker_tag requires pull_request_id.");
  if (dockerTag !== undefined && tags !== undefined) throw refuse(400, "You can only use tag or docker_tag, not both.");
  if (tags !== undefined) return byTags(coolify, teamId, tags, force);
  if (uuids === undefined) throw refuse(400, "You must provide uuid or tag.");
  return byUuids(coolify, teamId, uuids, { force, pullRequest, preview: dockerTag !== undefined });
}

function byUuids(
  coolify: Coolify,
  teamId: number,
  list: string,
  options: { force: boolean; pullRequest: number; preview: boolean },
): Reply {
  const uuids = list.split(",").filter((uuid) => uuid !== "");
  if (uuids.length === 0) throw refuse(400, "No UUIDs provided.");
  const deployments: Fields[] = [];
  for (const uuid of uuids) {
    const application = coolify.store.state.applications.find(
      (candidate) => candidate.uuid === uuid && teamOf(coolify, candidate) === teamId,
    );
    const database = coolify.store.state.databases.find(
      (candidate) => candidate.uuid === uuid && teamOf(coolify, candidate) === teamId,
    );
    if (application !== undefined && options.pullRequest > 0) {
      if (options.preview) throw refuse(501, "The sandbox's Coolify deploys no previews.");
      const message = `Pull request ${options.pullRequest} not found for this resource.`;
      deployments.push({ message, resource_uuid: uuid });
    } else if (application !== undefined) {
      deployments.push({ ...deployOne(coolify, application, options.force), resource_uuid: uuid });
    } else if (database !== undefined) {
      deployments.push({ message: startOne(coolify, database), resource_uuid: uuid });
    }
  }
  if (deployments.length === 0) throw refuse(404, "No resources found.");
  return ok({ deployments });
}

function byTags(coolify: Coolify, teamId: number, list: string, force: boolean): Reply {
  const names = list.split(",").filter((name) => name !== "");
  if (names.length === 0) throw refuse(400, "No TAGs provided.");
  const { state } = coolify.store;
  const messages: string[] = [];
  const details: Fields[] = [];
  for (const name of names) {
    const tag = state.tags.find((candidate) => candidate.teamId === teamId && candidate.name === name);
    if (tag === undefined) continue;
    const applications = state.applications.filter(({ tagIds }) => tagIds.includes(tag.id));
    if (applications.length === 0) messages.push(`No resources found for tag ${name}.`);
    for (const application of applications) {
      const { message, deployment_uuid } = deployOne(coolify, application, force);
      details.push({ resource_uuid: application.uuid, deployment_uuid });
      messages.push(message);
    }
  }
  if (messages.length === 0) throw refuse(404, "No resources found with this tag.");
  return ok(details.length === 0 ? { message: messages } : { message: messages, details });
}

/**
 * Queues a deployment. When one is in the way, the answer is 200 all the same, with a fresh id that was never stored: GET gives 404
 * (coolify-terraform/terraform-provider-coolify#783).
 */
function deployOne(
  coolify: Coolify,
  application: Application,
  force: boolean,
): { message: string; deployment_uuid: string } {
  const queued: Queued = coolify.queue.add(application, { force });
  switch (queued.status) {
    case "full":
      throw refuse(429, queued.message, { "Retry-After": "60" });
    case "skipped":
      return { message: queued.message, deployment_uuid: newPublicId() };
    case "queued":
      return {
        message: `Application ${application.columns.name} deployment queued.`,
        deployment_uuid: queued.deploymentUuid,
      };
  }
}

function startOne(coolify: Coolify, database: Database): string {
  coolify.background.start(`database ${database.id}`, () => startDatabase(coolify, database));
  return `Database ${plain(database.columns.name)} started.`;
}
