import type { Coolify } from "../context.ts";
import { ok } from "../http/reply.ts";
import type { Route } from "../http/route.ts";
import { describeApplication } from "./application-view.ts";
import { describeDatabase } from "./database-view.ts";
import { teamOf } from "./lookup.ts";
import { describeService } from "./services.ts";

/** Everything the team has, in one list (Coolify 379abb2, ResourcesController.php). */
export function resourceListRoutes(coolify: Coolify): Route[] {
  const { state } = coolify.store;
  return [
    {
      method: "GET",
      path: "/resources",
      ability: "read",
      async handle({ teamId, sensitive }) {
        const view = { sensitive, nested: true };
        const mine = (placed: { environmentId: number; destinationId: number }): boolean =>
          teamOf(coolify, placed) === teamId;
        const applications = state.applications.filter(mine).map(async (one) => ({
          ...(await describeApplication(coolify, one, view)),
          type: "application",
        }));
        const databases = state.databases.filter(mine).map(async (one) => ({
          ...(await describeDatabase(coolify, one, view)),
          type: `standalone-${one.kind}`,
        }));
        const services = state.services
          .filter(mine)
          .map((one) => ({ ...describeService(one, sensitive), type: "service" }));
        return ok([...(await Promise.all(applications)), ...services, ...(await Promise.all(databases))]);
      },
    },
  ];
}
