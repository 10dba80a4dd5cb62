import type { Coolify } from "../context.ts";
import { invalid, refuse } from "../http/reply.ts";
import { text } from "../http/request.ts";
import type { Fields } from "../json.ts";
import type {
  Application,
  Database,
  Destination,
  Environment,
  Owner,
  Placed,
  Project,
  Server,
  Service,
} from "../records.ts";

/** The team that owns what is placed in an environment. */
export function teamOf({ store: { state } }: Coolify, { environmentId }: Placed): number | undefined {
  const environment = state.environments.find(({ id }) => id === environmentId);
  return state.projects.find(({ id }) => id === environment?.projectId)?.teamId;
}

/** A project of the team, or 404. */
export function findProject({ store: { state } }: Coolify, teamId: number, uuid: string): Project {
  const project = state.projects.find((candidate) => candidate.uuid === uuid && candidate.teamId === teamId);
  if (project === undefined) throw refuse(404, "Project not found.");
  return project;
}

/** An environment by name, then by uuid; or 404. */
export function findEnvironment({ store: { state } }: Coolify, project: Project, nameOrUuid: string): Environment {
  const own = state.environments.filter(({ projectId }) => projectId === project.id);
  const found = own.find(({ name }) => name === nameOrUuid) ?? own.find(({ uuid }) => uuid === nameOrUuid);
  if (found === undefined) throw refuse(404, "Environment not found.");
  return found;
}

/** A server of the team, or 404. */
export function findServer({ store: { state } }: Coolify, teamId: number, uuid: string): Server {
  const server = state.servers.find((candidate) => candidate.uuid === uuid && candidate.teamId === teamId);
  if (server === undefined) throw refuse(404, "Server not found.");
  return server;
}

/** An application of the team, or 404. `ending` is a full stop or nothing: Coolify's handlers differ. */
export function findApplication(coolify: Coolify, teamId: number, uuid: string, ending: "." | "" = "."): Application {
  const found = coolify.store.state.applications.find(
    (candidate) => candidate.uuid === uuid && teamOf(coolify, candidate) === teamId,
  );
  if (found === undefined) throw refuse(404, `Application not found${ending}`);
  return found;
}

/** A database of the team, or 404. */
export function findDatabase(coolify: Coolify, teamId: number, uuid: string): Database {
  const found = coolify.store.state.databases.find(
    (candidate) => candidate.uuid === uuid && teamOf(coolify, candidate) === teamId,
  );
  if (found === undefined) throw refuse(404, "Database not found.");
  return found;
}

/** A service of the team, or 404. */
export function findService(coolify: Coolify, teamId: number, uuid: string): Service {
  const found = coolify.store.state.services.find(
    (candidate) => candidate.uuid === uuid && teamOf(coolify, candidate) === teamId,
  );
  if (found === undefined) throw refuse(404, "Service not found.");
  return found;
}

/** The one of the three that a route is about. */
export function findOwner(
  coolify: Coolify,
  owner: Owner,
  teamId: number,
  uuid: string,
): Application | Database | Service {
  switch (owner) {
    case "application":
      return findApplication(coolify, teamId, uuid);
    case "database":
      return findDatabase(coolify, teamId, uuid);
    case "service":
      return findService(coolify, teamId, uuid);
  }
}

/** The destination and server that something runs on. */
export function locate(
  { store: { state } }: Coolify,
  { destinationId }: Placed,
): { destination: Destination; server: Server } {
  const destination = state.destinations.find(({ id }) => id === destinationId);
  const server = state.servers.find(({ id }) => id === destination?.serverId);
  if (destination === undefined || server === undefined) {
    throw new Error(`sandbox/coolify: destination ${destinationId} or its server is missing from the state.`);
  }
  return { destination, server };
}

/** The environment and project that something is placed in. */
export function placeOf({ store: { state } }: Coolify, placed: Placed): { environment: Environment; project: Project } {
  const environment = state.environments.find(({ id }) => id === placed.environmentId);
  const project = state.projects.find(({ id }) => id === environment?.projectId);
  if (environment === undefined || project === undefined) {
    throw new Error(`sandbox/coolify: environment ${placed.environmentId} or its project is missing from the state.`);
  }
  return { environment, project };
}

/**
 * Where a new resource goes, from project_uuid, environment_name or environment_uuid, server_uuid and destination_uuid.
 * Source: Coolify 379abb2, create_application and create_database.
 */
export function placement(
  coolify: Coolify,
  teamId: number,
  input: Fields,
  unknownEnvironment: { status: number; message: string } = { status: 404, message: "Environment not found." },
): Placed & { server: Server; destination: Destination } {
  const [environmentName, environmentUuid] = [text(input, "environment_name"), text(input, "environment_uuid")];
  if (environmentName === undefined && environmentUuid === undefined) {
    throw refuse(422, "You need to provide at least one of environment_name or environment_uuid.");
  }
  const { state } = coolify.store;
  const project = findProject(coolify, teamId, text(input, "project_uuid") ?? "");
  const environments = state.environments.filter(({ projectId }) => projectId === project.id);
  const environment =
    environments.find(({ name }) => name === environmentName) ??
    environments.find(({ uuid }) => uuid === environmentUuid);
  if (environment === undefined) throw refuse(unknownEnvironment.status, unknownEnvironment.message);
  const server = findServer(coolify, teamId, text(input, "server_uuid") ?? "");
  const destinations = state.destinations.filter(({ serverId }) => serverId === server.id);
  const [first] = destinations;
  if (first === undefined) throw refuse(400, "Server has no destinations.");
  if (destinations.length === 1)
    return { environmentId: environment.id, destinationId: first.id, server, destination: first };
  if (!("destination_uuid" in input)) {
    throw refuse(400, "Server has multiple destinations and you do not set destination_uuid.");
  }
  const chosen = destinations.find(({ uuid }) => uuid === input.destination_uuid);
  if (chosen === undefined) {
    throw invalid({ destination_uuid: "Provided destination_uuid does not belong to the specified server." });
  }
  return { environmentId: environment.id, destinationId: chosen.id, server, destination: chosen };
}
