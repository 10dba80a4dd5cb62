import type { Coolify } from "../context.ts";
import { logEntry } from "../deployments/log.ts";
import { isOpen } from "../deployments/queue.ts";
import { describeDeployment } from "../deployments/view.ts";
import { ok, refuse } from "../http/reply.ts";
import type { Route } from "../http/route.ts";
import type { Fields } from "../json.ts";
import type { Deployment } from "../records.ts";
import { validate, whole } from "../validation/field.ts";
import { findApplication, teamOf } from "./lookup.ts";

/** Deployments (Coolify 379abb2, DeployController.php). */
export function deploymentRoutes(coolify: Coolify): Route[] {
  const { state } = coolify.store;
  const find = (teamId: number, uuid?: string): Deployment => {
    const deployment = state.deployments.find(({ deployment_uuid: known }) => known === uuid);
    const application = state.applications.find(({ id }) => id === deployment?.applicationId);
    if (deployment === undefined || application === undefined || teamOf(coolify, application) !== teamId) {
      throw refuse(404, "Deployment not found.");
    }
    return deployment;
  };
  return [
    {
      method: "GET",
      path: "/deployments",
      ability: "read",
      handle({ teamId, sensitive }) {
        const servers = state.servers.filter((server) => server.teamId === teamId).map(({ id }) => id);
        const open = state.deployments.filter((one) => isOpen(one) && servers.includes(one.serverId));
        return ok(listed(open, (deployment) => describeDeployment(deployment, sensitive)));
      },
    },
    {
      method: "GET",
      path: "/deployments/applications/:uuid",
      ability: "read",
      handle({ params, teamId, input, sensitive }) {
        validate(input, { skip: whole({ nullable: true, min: 0 }), take: whole({ nullable: true, min: 1 }) });
        const application = findApplication(coolify, teamId, params.uuid ?? "", "");
        const own = state.deployments.filter(({ applicationId }) => applicationId === application.id);
        const newest = [...own].sort((left, right) => right.id - left.id);
        const [skip, take] = [Number(input.skip ?? 0), Number(input.take ?? 10)];
        const deployments = newest.slice(skip, skip + take).map((one) => describeDeployment(one, sensitive));
        return ok({ count: own.length, deployments });
      },
    },
    {
      method: "GET",
      path: "/deployments/:uuid",
      ability: "read",
      handle: ({ params, teamId, sensitive }) => ok(describeDeployment(find(teamId, params.uuid), sensitive)),
    },
    {
      method: "POST",
      path: "/deployments/:uuid/cancel",
      ability: "deploy",
      handle({ params, teamId }) {
        const deployment = find(teamId, params.uuid);
        if (!isOpen(deployment)) {
          throw refuse(400, `Deployment cannot be cancelled. Current status: ${deployment.status}`);
        }
        coolify.queue.cancel(deployment);
        logEntry(coolify, deployment, "Deployment cancelled by user via API.", { type: "stderr" });
        return ok({
          message: "Deployment cancelled successfully.",
          deployment_uuid: deployment.deployment_uuid,
          status: deployment.status,
        });
      },
    },
  ];
}

/**
 * A list, or an object keyed by index: Coolify sorts by id but keeps the positions that the rows had in the database, where an update
 * moves a row to the end (coollabsio/coolify#10077). One row is always a list; a busy older row beside a younger one is an object.
 */
function listed(deployments: Deployment[], describe: (deployment: Deployment) => Fields): Fields[] | Fields {
  const stored = [...deployments].sort((left, right) => (left.updated_at < right.updated_at ? -1 : 1));
  const byId = [...deployments].sort((left, right) => left.id - right.id);
  if (byId.every((deployment, index) => stored[index] === deployment)) return byId.map(describe);
  return Object.fromEntries(byId.map((deployment) => [`${stored.indexOf(deployment)}`, describe(deployment)]));
}
