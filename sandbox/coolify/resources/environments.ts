import type { Coolify } from "../context.ts";
import { created, ok, refuse } from "../http/reply.ts";
import { requireJson, text } from "../http/request.ts";
import type { Route } from "../http/route.ts";
import { timestamp } from "../identifiers.ts";
import type { Environment, Project } from "../records.ts";
import { required, validate } from "../validation/field.ts";
import { descriptionRule, nameRule } from "../validation/patterns.ts";
import { describeApplication } from "./application-view.ts";
import { describeDatabase } from "./database-view.ts";
import { findEnvironment, findProject } from "./lookup.ts";
import { describeService } from "./services.ts";

/** Environments of a project (Coolify 379abb2, ProjectController.php). Register after the routes with more fixed segments. */
export function environmentRoutes(coolify: Coolify): Route[] {
  const { state } = coolify.store;
  return [
    {
      method: "GET",
      path: "/projects/:uuid/environments",
      ability: "read",
      handle({ params, teamId }) {
        const project = findProject(coolify, teamId, params.uuid ?? "");
        return ok(
          state.environments
            .filter(({ projectId }) => projectId === project.id)
            .map(({ id, uuid, name }) => ({ id, uuid, name })),
        );
      },
    },
    {
      method: "POST",
      path: "/projects/:uuid/environments",
      ability: "write",
      handle(request) {
        requireJson(request);
        const { input, params, teamId } = request;
        validate(input, { name: required(nameRule, null) }, ["name"]);
        const project = findProject(coolify, teamId, params.uuid ?? "");
        const name = text(input, "name") ?? "";
        refuseTakenName(coolify, project, name);
        const environment: Environment = { ...coolify.store.stamp(), projectId: project.id, name, description: null };
        state.environments.push(environment);
        return created({ uuid: environment.uuid });
      },
    },
    {
      method: "PATCH",
      path: "/projects/:uuid/environments/:environment",
      ability: "write",
      since: "4.3",
      handle(request) {
        requireJson(request);
        const { input, params, teamId } = request;
        const rules = { name: { ...nameRule, nullable: true }, description: descriptionRule };
        validate(input, rules, ["name", "description"]);
        const project = findProject(coolify, teamId, params.uuid ?? "");
        const environment = findEnvironment(coolify, project, params.environment ?? "");
        const name = text(input, "name") ?? environment.name;
        if (name !== environment.name) refuseTakenName(coolify, project, name);
        environment.name = name;
        if ("description" in input) environment.description = text(input, "description") ?? null;
        environment.updated_at = timestamp();
        return ok({ uuid: environment.uuid, name, description: environment.description });
      },
    },
    {
      method: "DELETE",
      path: "/projects/:uuid/environments/:environment",
      ability: "write",
      handle({ params, teamId }) {
        const project = findProject(coolify, teamId, params.uuid ?? "");
        const environment = findEnvironment(coolify, project, params.environment ?? "");
        if (hasResources(coolify, environment)) {
          throw refuse(400, "Environment has resources, so it cannot be deleted.");
        }
        state.environments = state.environments.filter(({ id }) => id !== environment.id);
        return ok({ message: "Environment deleted." });
      },
    },
    {
      method: "GET",
      path: "/projects/:uuid/:environment",
      ability: "read",
      async handle({ params, teamId, sensitive }) {
        const project = findProject(coolify, teamId, params.uuid ?? "");
        const environment = findEnvironment(coolify, project, params.environment ?? "");
        const here = ({ environmentId }: { environmentId: number }): boolean => environmentId === environment.id;
        const databases = state.databases.filter(here);
        const describe = { sensitive, nested: true };
        const ofKind = (kind: string) =>
          Promise.all(
            databases.filter((database) => database.kind === kind).map((it) => describeDatabase(coolify, it, describe)),
          );
        return ok({
          id: environment.id,
          uuid: environment.uuid,
          name: environment.name,
          description: environment.description,
          project_id: environment.projectId,
          applications: await Promise.all(
            state.applications.filter(here).map((it) => describeApplication(coolify, it, describe)),
          ),
          postgresqls: await ofKind("postgresql"),
          redis: await ofKind("redis"),
          mongodbs: [],
          mysqls: [],
          mariadbs: [],
          services: state.services.filter(here).map((service) => describeService(service, sensitive)),
          created_at: environment.created_at,
          updated_at: environment.updated_at,
        });
      },
    },
  ];
}

/** True while anything is placed in the environment. */
export function hasResources({ store: { state } }: Coolify, environment: Environment): boolean {
  return [state.applications, state.databases, state.services].some((placed) =>
    placed.some(({ environmentId }) => environmentId === environment.id),
  );
}

function refuseTakenName({ store: { state } }: Coolify, project: Project, name: string): void {
  if (state.environments.some((other) => other.projectId === project.id && other.name === name)) {
    throw refuse(409, "Environment with this name already exists.");
  }
}
