import type { Coolify } from "../context.ts";
import { created, ok, refuse } from "../http/reply.ts";
import { requireJson, text } from "../http/request.ts";
import type { Route } from "../http/route.ts";
import { timestamp } from "../identifiers.ts";
import type { Project } from "../records.ts";
import { required, validate } from "../validation/field.ts";
import { descriptionRule, nameRule } from "../validation/patterns.ts";
import { hasResources } from "./environments.ts";
import { findProject } from "./lookup.ts";

const fields = ["name", "description"];

/** Projects (Coolify 379abb2, ProjectController.php). Names are not unique; `production` is made with each. */
export function projectRoutes(coolify: Coolify): Route[] {
  const { state } = coolify.store;
  return [
    {
      method: "GET",
      path: "/projects",
      ability: "read",
      handle: ({ teamId }) => ok(state.projects.filter((project) => project.teamId === teamId).map(brief)),
    },
    {
      method: "POST",
      path: "/projects",
      ability: "write",
      handle(request) {
        requireJson(request);
        const { input, teamId } = request;
        validate(input, { name: required(nameRule, null), description: descriptionRule }, fields);
        const project: Project = {
          ...coolify.store.stamp(),
          teamId,
          name: text(input, "name") ?? "",
          description: text(input, "description") ?? null,
        };
        state.projects.push(project);
        state.environments.push({
          ...coolify.store.stamp(),
          projectId: project.id,
          name: "production",
          description: null,
        });
        return created({ uuid: project.uuid });
      },
    },
    {
      method: "GET",
      path: "/projects/:uuid",
      ability: "read",
      handle({ params, teamId }) {
        const project = findProject(coolify, teamId, params.uuid ?? "");
        const environments = state.environments
          .filter(({ projectId }) => projectId === project.id)
          .map(({ projectId, ...environment }) => ({ ...environment, project_id: projectId }));
        return ok({
          ...brief(project),
          team_id: project.teamId,
          created_at: project.created_at,
          updated_at: project.updated_at,
          environments,
        });
      },
    },
    {
      method: "PATCH",
      path: "/projects/:uuid",
      ability: "write",
      handle(request) {
        requireJson(request);
        const { input, params, teamId } = request;
        validate(input, { name: { ...nameRule, nullable: true }, description: descriptionRule }, fields);
        const project = findProject(coolify, teamId, params.uuid ?? "");
        project.name = text(input, "name") ?? project.name;
        if ("description" in input) project.description = text(input, "description") ?? null;
        project.updated_at = timestamp();
        return created({ uuid: project.uuid, name: project.name, description: project.description });
      },
    },
    {
      method: "DELETE",
      path: "/projects/:uuid",
      ability: "write",
      handle({ params, teamId }) {
        const project = findProject(coolify, teamId, params.uuid ?? "");
        const environments = state.environments.filter(({ projectId }) => projectId === project.id);
        if (environments.some((environment) => hasResources(coolify, environment))) {
          throw refuse(400, "Project has resources, so it cannot be deleted.");
        }
        state.environments = state.environments.filter(({ projectId }) => projectId !== project.id);
        state.projects = state.projects.filter(({ id }) => id !== project.id);
        return ok({ message: "Project deleted." });
      },
    },
  ];
}

function brief({ id, uuid, name, description }: Project) {
  return { id, uuid, name, description };
}
