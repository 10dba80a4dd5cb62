import type { Coolify } from "../context.ts";
import { created, invalid, ok, refuse, type Reply } from "../http/reply.ts";
import { flag, requireJson, type ApiRequest } from "../http/request.ts";
import { stateChange, type Route } from "../http/route.ts";
import { timestamp } from "../identifiers.ts";
import { plain, type Fields } from "../json.ts";
import type { Database, DatabaseKind, Server } from "../records.ts";
import { flagRule, list, required, text, validate } from "../validation/field.ts";
import { requireBase64 } from "../validation/base64.ts";
import { removeDatabase, startDatabase, stopDatabase } from "./database-actions.ts";
import {
  applyDatabaseColumns,
  changeFields,
  commonRules,
  createFields,
  defaultDatabaseColumns,
  healthRules,
  kindRules,
} from "./database-fields.ts";
import { databaseStatus, describeDatabase, externalUrl, internalUrl } from "./database-view.ts";
import { findDatabase, locate, placement, teamOf } from "./lookup.ts";
import { attachTags, tagNames } from "./tags.ts";

/** PostgreSQL and Redis databases; the other kinds answer 501 (Coolify 379abb2, DatabasesController.php). */
export function databaseRoutes(coolify: Coolify): Route[] {
  const { state } = coolify.store;
  const own = ({ params, teamId }: ApiRequest): Database => findDatabase(coolify, teamId, params.uuid ?? "");
  const work = (database: Database): string => `database ${database.id}`;
  const action = (name: string, handle: Route["handle"]): Route[] =>
    stateChange(coolify.version, { path: `/databases/:uuid/${name}`, ability: "deploy", handle });
  const refuseBusy = (database: Database): void => {
    if (coolify.version.atLeast("4.4") && coolify.background.busy(work(database))) {
      throw refuse(409, "Another operation is in progress for this database.");
    }
  };
  const unplayed = (kind: string): Route => ({
    method: "POST",
    path: `/databases/${kind}`,
    ability: "write",
    handle() {
      throw refuse(501, "The sandbox's Coolify runs PostgreSQL and Redis only.");
    },
  });
  return [
    {
      method: "GET",
      path: "/databases",
      ability: "read",
      async handle({ teamId, sensitive }) {
        const mine = state.databases.filter((database) => teamOf(coolify, database) === teamId);
        return ok(await Promise.all(mine.map((database) => describeDatabase(coolify, database, { sensitive }))));
      },
    },
    ...(["postgresql", "redis"] as const).map((kind): Route => ({
      method: "POST",
      path: `/databases/${kind}`,
      ability: "write",
      handle: (request) => create(coolify, kind, request),
    })),
    ...["mysql", "mariadb", "mongodb", "keydb", "dragonfly", "clickhouse"].map(unplayed),
    {
      method: "GET",
      path: "/databases/:uuid",
      ability: "read",
      handle: async (request) => ok(await describeDatabase(coolify, own(request), { sensitive: request.sensitive })),
    },
    {
      method: "PATCH",
      path: "/databases/:uuid",
      ability: "write",
      handle(request) {
        requireJson(request);
        const input = { ...request.input };
        validate(input, commonRules);
        const database = own(request);
        refuseUsedPort(coolify, locate(coolify, database).server, input, database);
        decodeConfiguration(input);
        validate(input, { ...kindRules[database.kind], ...healthRules }, changeFields(database.kind));
        applyDatabaseColumns(database.kind, database.columns, input);
        database.updated_at = timestamp();
        return ok({ message: "Database updated." });
      },
    },
    {
      method: "DELETE",
      path: "/databases/:uuid",
      ability: "write",
      handle(request) {
        const database = own(request);
        const deleteVolumes = flag(request.input, "delete_volumes", true);
        coolify.background.start(work(database), () => removeDatabase(coolify, database, { deleteVolumes }));
        return ok({ message: "Database deletion request queued." });
      },
    },
    ...action("start", async (request) => {
      const database = own(request);
      refuseBusy(database);
      if ((await databaseStatus(coolify, database)).includes("running"))
        throw refuse(400, "Database is already running.");
      coolify.background.start(work(database), () => startDatabase(coolify, database));
      return ok({ message: "Database starting request queued." });
    }),
    ...action("stop", async (request) => {
      const database = own(request);
      if ((await databaseStatus(coolify, database)).startsWith("exited"))
        throw refuse(400, "Database is already stopped.");
      coolify.background.start(work(database), () => stopDatabase(coolify, database));
      return ok({ message: "Database stopping request queued." });
    }),
    ...action("restart", (request) => {
      const database = own(request);
      refuseBusy(database);
      coolify.background.start(work(database), () => startDatabase(coolify, database));
      return ok({ message: "Database restarting request queued." });
    }),
    {
      method: "GET",
      path: "/databases/:uuid/logs",
      ability: "read",
      since: "4.2",
      async handle(request) {
        const database = own(request);
        if (!(await databaseStatus(coolify, database)).startsWith("running"))
          throw refuse(400, "Database is not running.");
        const asked = Number(request.query.lines);
        const lines = Number.isInteger(asked) && asked > 0 ? Math.min(asked, 10_000) : 100;
        return ok({ logs: await coolify.engine.logs(database.uuid, lines, flag(request.query, "show_timestamps")) });
      },
    },
  ];
}

function create(coolify: Coolify, kind: DatabaseKind, request: ApiRequest): Reply {
  requireJson(request);
  const input = { ...request.input };
  const { teamId } = request;
  // Coolify hands the names to a list that takes no messages: `errors` is a bare list of the unknown fields.
  const unknown = Object.keys(input).filter((name) => !createFields("any").includes(name));
  if (unknown.length > 0) throw invalid(unknown);
  if (flag(input, "is_public") && !input.public_port) input.is_public = false;
  const place = placement(coolify, teamId, input, {
    status: 422,
    message: "You need to provide a valid environment_name or environment_uuid.",
  });
  refuseUsedPort(coolify, place.server, input);
  // Before 4.4 the handler asks the validator for failures without running it: these fields are not checked.
  if (coolify.version.atLeast("4.4")) {
    const names = { project_uuid: required(text()), server_uuid: required(text()), instant_deploy: flagRule() };
    validate(input, { ...commonRules, ...names, tags: list(text({ min: 2 }), { nullable: true }) });
  }
  const tags = tagNames(input);
  const port = input.public_port;
  if (port && (Number(port) < 1024 || Number(port) > 65535)) {
    throw invalid({ public_port: "The public port should be between 1024 and 65535." });
  }
  validate(input, kindRules[kind], createFields(kind));
  decodeConfiguration(input);
  if (input.instant_deploy === true && coolify.version.atLeast("4.4") && !request.can("deploy")) {
    throw refuse(403, "Missing required permissions: deploy");
  }
  const stamp = coolify.store.stamp();
  const database: Database = {
    ...stamp,
    environmentId: place.environmentId,
    destinationId: place.destinationId,
    kind,
    columns: defaultDatabaseColumns(kind, stamp.uuid),
    tagIds: [],
  };
  applyDatabaseColumns(kind, database.columns, input);
  coolify.store.state.databases.push(database);
  addVolume(coolify, database);
  attachTags(coolify, teamId, database, tags);
  if (flag(input, "instant_deploy")) {
    coolify.background.start(`database ${database.id}`, () => startDatabase(coolify, database));
  }
  const external = externalUrl(coolify, database);
  return created({
    uuid: database.uuid,
    internal_db_url: internalUrl(database),
    ...(external === null ? {} : { external_db_url: external }),
  });
}

/** The data volume; PostgreSQL 18 moved its mount path (Coolify 379abb2, Models/StandalonePostgresql.php). */
function addVolume(coolify: Coolify, { id, uuid, kind, columns }: Database): void {
  const major = Number(/:(?:pg)?(\d+)/i.exec(plain(columns.image))?.[1] ?? 0);
  const postgresPath = major >= 18 ? "/var/lib/postgresql" : "/var/lib/postgresql/data";
  coolify.store.state.storages.push({
    ...coolify.store.stamp(),
    owner: "database",
    ownerId: id,
    type: "persistent",
    name: `${kind === "redis" ? "redis" : "postgres"}-data-${uuid}`,
    mount_path: kind === "redis" ? "/data" : postgresPath,
    host_path: null,
    fs_path: null,
    content: null,
    is_directory: false,
    is_preview_suffix_enabled: true,
  });
}

function decodeConfiguration(input: Fields): void {
  for (const name of ["postgres_conf", "redis_conf"]) {
    if (name in input) input[name] = requireBase64(input[name], name);
  }
}

function refuseUsedPort(coolify: Coolify, server: Server, input: Fields, self?: Database): void {
  if (!flag(input, "is_public") || !input.public_port) return;
  const used = coolify.store.state.databases.some(
    (other) =>
      other.id !== self?.id &&
      other.columns.is_public === true &&
      other.columns.public_port === Number(input.public_port) &&
      locate(coolify, other).server.id === server.id,
  );
  if (used) throw refuse(400, "Public port already used by another database.");
}
