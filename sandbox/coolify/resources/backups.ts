import type { Coolify } from "../context.ts";
import { created, invalid, ok, refuse } from "../http/reply.ts";
import { flag, requireJson, text as textOf, type ApiRequest } from "../http/request.ts";
import type { Route } from "../http/route.ts";
import { timestamp } from "../identifiers.ts";
import type { Fields } from "../json.ts";
import type { Backup, Database } from "../records.ts";
import { isFrequency } from "../validation/cron.ts";
import { flagRule, number, only, required, text, validate, whole } from "../validation/field.ts";
import { findDatabase } from "./lookup.ts";

const columns = [
  "save_s3",
  "enabled",
  "dump_all",
  "frequency",
  "databases_to_backup",
  "database_backup_retention_amount_locally",
  "database_backup_retention_days_locally",
  "database_backup_retention_max_storage_locally",
  "database_backup_retention_amount_s3",
  "database_backup_retention_days_s3",
  "database_backup_retention_max_storage_s3",
  "timeout",
];
const rules = {
  frequency: text(),
  enabled: flagRule(),
  save_s3: flagRule(),
  dump_all: flagRule(),
  backup_now: flagRule({ nullable: true }),
  s3_storage_uuid: text({ nullable: true }),
  databases_to_backup: text({ nullable: true }),
  database_backup_retention_amount_locally: whole({ min: 0 }),
  database_backup_retention_days_locally: whole({ min: 0 }),
  database_backup_retention_max_storage_locally: number({ min: 0 }),
  database_backup_retention_amount_s3: whole({ min: 0 }),
  database_backup_retention_days_s3: whole({ min: 0 }),
  database_backup_retention_max_storage_s3: number({ min: 0 }),
  timeout: whole({ min: 60, max: 36_000 }),
};

/** Scheduled backups of databases (Coolify 379abb2, DatabasesController.php). The records are kept; no backup is taken. */
export function backupRoutes(coolify: Coolify): Route[] {
  const { state } = coolify.store;
  const path = "/databases/:uuid/backups";
  const own = ({ params, teamId }: ApiRequest): Database => findDatabase(coolify, teamId, params.uuid ?? "");
  const find = (request: ApiRequest, missing: string): Backup => {
    const database = own(request);
    const backup = state.backups.find(
      ({ uuid, databaseId }) => uuid === request.params.backup && databaseId === database.id,
    );
    if (backup === undefined) throw refuse(404, missing);
    return backup;
  };
  const check = (request: ApiRequest): void => {
    const { input, teamId } = request;
    if (input.frequency !== undefined && !isFrequency(textOf(input, "frequency") ?? "")) {
      throw invalid({ frequency: ["Invalid cron expression or frequency format."] });
    }
    const storage = textOf(input, "s3_storage_uuid");
    if (flag(input, "save_s3") && storage === undefined) {
      throw invalid({ s3_storage_uuid: ["The s3_storage_uuid field is required when save_s3 is true."] });
    }
    if (storage !== undefined && !state.s3Storages.some((one) => one.uuid === storage && one.teamId === teamId)) {
      throw invalid({ s3_storage_uuid: ["The selected S3 storage is invalid for this team."] });
    }
    if (flag(input, "backup_now")) throw refuse(501, "The sandbox's Coolify takes no backups: leave backup_now out.");
    validate(input, {}, [...columns, "s3_storage_uuid", "backup_now"]);
  };
  const storageId = (input: Fields): number | null =>
    state.s3Storages.find(({ uuid }) => uuid === input.s3_storage_uuid)?.id ?? null;
  return [
    {
      method: "GET",
      path,
      ability: "read",
      handle(request) {
        const database = own(request);
        return ok(state.backups.filter(({ databaseId }) => databaseId === database.id).map(describe));
      },
    },
    {
      method: "POST",
      path,
      ability: "write",
      handle(request) {
        requireJson(request);
        const { input, teamId } = request;
        validate(input, { ...rules, frequency: required(text()) });
        const database = own(request);
        if (database.kind === "redis") throw refuse(422, "Scheduled backups are not supported for this database type.");
        check(request);
        const backup: Backup = {
          ...coolify.store.stamp(),
          databaseId: database.id,
          teamId,
          s3StorageId: storageId(input),
          columns: {
            enabled: true,
            save_s3: false,
            dump_all: false,
            timeout: 3600,
            ...only(input, columns),
            databases_to_backup: textOf(input, "databases_to_backup") ?? database.columns.postgres_db ?? null,
          },
        };
        state.backups.push(backup);
        return created({ uuid: backup.uuid, message: "Backup configuration created successfully." });
      },
    },
    {
      method: "PATCH",
      path: `${path}/:backup`,
      ability: "write",
      handle(request) {
        requireJson(request);
        const { input } = request;
        validate(input, rules);
        own(request);
        check(request);
        const backup = find(request, "Backup config not found.");
        Object.assign(backup.columns, only(input, columns));
        if (input.s3_storage_uuid !== undefined) backup.s3StorageId = storageId(input);
        backup.updated_at = timestamp();
        return ok({ message: "Database backup configuration updated" });
      },
    },
    {
      method: "DELETE",
      path: `${path}/:backup`,
      ability: "write",
      handle(request) {
        const backup = find(request, "Backup configuration not found.");
        state.backups = state.backups.filter((one) => one !== backup);
        return ok({ message: "Backup configuration and all executions deleted." });
      },
    },
    {
      method: "GET",
      path: `${path}/:backup/executions`,
      ability: "read",
      handle(request) {
        find(request, "Backup configuration not found.");
        return ok({ executions: [] });
      },
    },
  ];
}

function describe({ id, uuid, databaseId, teamId, s3StorageId, columns: own, created_at, updated_at }: Backup): Fields {
  return {
    id,
    uuid,
    team_id: teamId,
    database_id: databaseId,
    database_type: "App\\Models\\StandalonePostgresql",
    s3_storage_id: s3StorageId,
    ...own,
    executions: [],
    created_at,
    updated_at,
  };
}
