import type { Coolify } from "../context.ts";
import { invalid, ok, refuse } from "../http/reply.ts";
import { flag, requireJson, text as textOf, type ApiRequest } from "../http/request.ts";
import { stateChange, type Route } from "../http/route.ts";
import { newPublicId, timestamp } from "../identifiers.ts";
import { required, text, validate } from "../validation/field.ts";
import { stopApplication } from "./application-removal.ts";
import { applicationContainers } from "./application-status.ts";
import { findApplication, locate, placeOf, teamOf } from "./lookup.ts";

/** What can be done with an application besides changing it (Coolify 379abb2, ApplicationsController.php). */
export function applicationActionRoutes(coolify: Coolify): Route[] {
  const own = ({ params, teamId }: ApiRequest) => findApplication(coolify, teamId, params.uuid ?? "");
  const action = (name: string, handle: Route["handle"]): Route[] =>
    stateChange(coolify.version, { path: `/applications/:uuid/${name}`, ability: "deploy", handle });
  return [
    // A full queue is not reported here: 200, with an id that does not exist.
    ...action("start", (request) => {
      const { input } = request;
      const queued = coolify.queue.add(own(request), {
        force: flag(input, "force"),
        skipsQueue: flag(input, "instant_deploy"),
      });
      if (queued.status === "skipped") return ok({ message: queued.message });
      const uuid = queued.status === "queued" ? queued.deploymentUuid : newPublicId();
      return ok({ message: "Deployment request queued.", deployment_uuid: uuid });
    }),
    // For an image this is a full pull and deployment.
    ...action("restart", (request) => {
      const queued = coolify.queue.add(own(request), { restartOnly: true });
      if (queued.status === "skipped") return ok({ message: queued.message });
      const uuid = queued.status === "queued" ? queued.deploymentUuid : newPublicId();
      return ok({ message: "Restart request queued.", deployment_uuid: uuid });
    }),
    ...action("stop", (request) => {
      const application = own(request);
      coolify.background.start(`application ${application.id}`, () => stopApplication(coolify, application));
      return ok({ message: "Application stopping request queued." });
    }),
    {
      method: "GET",
      path: "/applications/:uuid/logs",
      ability: "read",
      async handle(request) {
        const application = own(request);
        const [container] = await applicationContainers(coolify, application.id);
        if (container?.state !== "running") throw refuse(400, "Application is not running.");
        const asked = Number(request.query.lines);
        const lines = Number.isInteger(asked) && asked > 0 ? Math.min(asked, 10_000) : 100;
        return ok({ logs: await coolify.engine.logs(container.id, lines, flag(request.query, "show_timestamps")) });
      },
    },
    {
      method: "POST",
      path: "/applications/:uuid/move",
      ability: "write",
      handle(request) {
        const application = own(request);
        validate(request.input, { environment_uuid: required(text(), null) }, ["environment_uuid"]);
        const { state } = coolify.store;
        const target = state.environments.find(
          ({ uuid, id }) =>
            uuid === request.input.environment_uuid &&
            teamOf(coolify, { environmentId: id, destinationId: 0 }) === request.teamId,
        );
        if (target === undefined) throw refuse(404, "Target environment not found or not owned by your team.");
        if (target.id === application.environmentId) throw refuse(400, "Application is already in this environment.");
        application.environmentId = target.id;
        application.updated_at = timestamp();
        const { project } = placeOf(coolify, application);
        return ok({
          message: "Application moved successfully.",
          uuid: application.uuid,
          project_uuid: project.uuid,
          environment_uuid: target.uuid,
        });
      },
    },
    {
      method: "GET",
      path: "/applications/:uuid/destinations",
      ability: "read",
      since: "4.3",
      handle(request) {
        const { destination, server } = locate(coolify, own(request));
        const { uuid, name, network } = destination;
        return ok([{ uuid, name, network, server_uuid: server.uuid, server_name: server.name, is_main: true }]);
      },
    },
    ...rollbackRoutes(coolify, own),
  ];
}

/**
 * Rollback as Coolify has it. Images pulled by digest carry no tag and are not listed; `current` looks for a container named like the
 * uuid, which only consistent names give. Up to 4.3.11 the deployment ignored the tag (coollabsio/coolify#11467, #11480); the
 * configured tag stays as it is.
 */
function rollbackRoutes(coolify: Coolify, own: (request: ApiRequest) => ReturnType<typeof findApplication>): Route[] {
  return [
    {
      method: "GET",
      path: "/applications/:uuid/rollback-images",
      ability: "read",
      since: "4.3",
      async handle(request) {
        const application = own(request);
        const { engine } = coolify;
        // A server that does not answer has no images: Coolify swallows the error.
        const reference = (await engine.inspect(application.uuid).catch(() => undefined))?.Config.Image ?? "";
        const current = /^[^@]*:([^@/:]+)$/.exec(reference)?.[1] ?? null;
        const images = (await engine.images().catch(() => []))
          .filter(({ repository }) => repository === application.columns.docker_registry_image_name)
          .map(({ tag, createdAt }) => ({ tag, created_at: createdAt, is_current: tag === current }));
        return ok({ current, images });
      },
    },
    {
      method: "POST",
      path: "/applications/:uuid/rollback",
      ability: "deploy",
      since: "4.3",
      handle(request) {
        requireJson(request);
        validate(request.input, { commit: required(text()) }, ["commit"]);
        const application = own(request);
        const commit = textOf(request.input, "commit") ?? "";
        if (!/^[a-zA-Z0-9][a-zA-Z0-9._\-/]*$/.test(commit)) {
          throw invalid({ commit: ["Invalid rollback commit: contains forbidden characters."] });
        }
        const queued = coolify.queue.add(application, { rollbackTo: commit });
        if (queued.status === "full") throw refuse(400, queued.message);
        if (queued.status === "skipped") return ok({ message: queued.message });
        return ok({ message: "Rollback deployment queued.", deployment_uuid: queued.deploymentUuid });
      },
    },
  ];
}
