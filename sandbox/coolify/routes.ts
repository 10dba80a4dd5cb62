import type { Coolify } from "./context.ts";
import type { Route } from "./http/route.ts";
import { applicationActionRoutes } from "./resources/application-actions.ts";
import { applicationRoutes } from "./resources/applications.ts";
import { backupRoutes } from "./resources/backups.ts";
import { databaseRoutes } from "./resources/databases.ts";
import { deployRoutes } from "./resources/deploy.ts";
import { deploymentRoutes } from "./resources/deployments.ts";
import { environmentRoutes } from "./resources/environments.ts";
import { instanceRoutes } from "./resources/instance.ts";
import { plainVariableRoutes } from "./resources/plain-variables.ts";
import { projectRoutes } from "./resources/projects.ts";
import { registryRoutes } from "./resources/registries.ts";
import { resourceListRoutes } from "./resources/resource-list.ts";
import { s3StorageRoutes } from "./resources/s3-storages.ts";
import { scheduledTaskRoutes } from "./resources/scheduled-tasks.ts";
import { serverRoutes } from "./resources/servers.ts";
import { serviceRoutes } from "./resources/services.ts";
import { storageRoutes } from "./resources/storages.ts";
import { tagRoutes } from "./resources/tags.ts";
import { teamRoutes } from "./resources/teams.ts";
import { variableRoutes } from "./resources/variables.ts";

/** All routes, in the order in which they are tried. */
export function routes(coolify: Coolify): Route[] {
  return [
    instanceRoutes,
    teamRoutes,
    projectRoutes,
    environmentRoutes,
    serverRoutes,
    registryRoutes,
    resourceListRoutes,
    tagRoutes,
    applicationRoutes,
    variableRoutes,
    plainVariableRoutes,
    applicationActionRoutes,
    storageRoutes,
    scheduledTaskRoutes,
    deployRoutes,
    deploymentRoutes,
    databaseRoutes,
    backupRoutes,
    s3StorageRoutes,
    serviceRoutes,
  ].flatMap((of) => of(coolify));
}
