import type { Coolify } from "../context.ts";
import { created, invalid, ok, refuse } from "../http/reply.ts";
import { flag, requireJson, text as textOf, type ApiRequest } from "../http/request.ts";
import type { Route } from "../http/route.ts";
import { timestamp } from "../identifiers.ts";
import { plain, type Fields } from "../json.ts";
import type { Owner, Storage } from "../records.ts";
import { flagRule, required, text, validate, whole } from "../validation/field.ts";
import { hostPathRule, volumeNameRule } from "../validation/patterns.ts";
import { findOwner } from "./lookup.ts";

const fields = ["type", "name", "mount_path", "host_path", "content", "is_directory", "is_host_file", "fs_path"];

/** Volumes and mounted files (Coolify 379abb2, create_storage, update_storage and delete_storage). Names get the resource's uuid before them. */
export function storageRoutes(coolify: Coolify): Route[] {
  return (["application", "database"] as const).flatMap((owner) => routesOf(coolify, owner));
}

function routesOf(coolify: Coolify, owner: Owner): Route[] {
  const { state } = coolify.store;
  const path = `/${owner}s/:uuid/storages`;
  const resource = ({ params, teamId }: ApiRequest) => findOwner(coolify, owner, teamId, params.uuid ?? "");
  const storagesOf = (id: number): Storage[] =>
    state.storages.filter((one) => one.owner === owner && one.ownerId === id);
  return [
    {
      method: "GET",
      path,
      ability: "read",
      handle(request) {
        const own = storagesOf(resource(request).id);
        const ofType = (type: string) =>
          own.filter((storage) => storage.type === type).map((storage) => describe(storage, request.sensitive));
        return ok({ persistent_storages: ofType("persistent"), file_storages: ofType("file") });
      },
    },
    {
      method: "POST",
      path,
      ability: "write",
      handle(request) {
        requireJson(request);
        const { id, uuid } = resource(request);
        const { input } = request;
        const rules = {
          type: required(text({ oneOf: ["persistent", "file"] })),
          name: volumeNameRule,
          mount_path: required(text()),
          host_path: hostPathRule,
          content: text({ nullable: true }),
          is_directory: flagRule(),
          is_host_file: flagRule(),
          fs_path: text(),
        };
        validate(input, rules, fields);
        const persistent = input.type === "persistent";
        if (persistent && textOf(input, "name") === undefined) {
          throw invalid({ name: "The name field is required for persistent storages." });
        }
        refuseForeign(
          input,
          persistent ? ["content", "is_directory", "is_host_file", "fs_path"] : ["name", "host_path"],
        );
        const mountPath = textOf(input, "mount_path") ?? "";
        const storage: Storage = {
          ...coolify.store.stamp(),
          owner,
          ownerId: id,
          type: persistent ? "persistent" : "file",
          name: persistent ? `${uuid}-${textOf(input, "name") ?? ""}` : null,
          mount_path: mountPath,
          host_path: textOf(input, "host_path") ?? null,
          fs_path: persistent ? null : (textOf(input, "fs_path") ?? `/data/coolify/${owner}s/${uuid}${mountPath}`),
          content: textOf(input, "content") ?? null,
          is_directory: flag(input, "is_directory"),
          is_preview_suffix_enabled: true,
        };
        state.storages.push(storage);
        return created(describe(storage, request.sensitive));
      },
    },
    {
      method: "PATCH",
      path,
      ability: "write",
      handle(request) {
        requireJson(request);
        const { id } = resource(request);
        const { input } = request;
        const rules = {
          uuid: text(),
          id: whole(),
          type: required(text({ oneOf: ["persistent", "file"] })),
          is_preview_suffix_enabled: flagRule(),
          name: volumeNameRule,
          mount_path: text(),
          host_path: hostPathRule,
          content: text({ nullable: true }),
        };
        validate(input, rules, Object.keys(rules));
        if (!("uuid" in input) && !("id" in input)) throw invalid({ uuid: "Either uuid or id is required." });
        const storage = storagesOf(id).find(
          (one) => one.type === input.type && ("uuid" in input ? one.uuid === input.uuid : one.id === Number(input.id)),
        );
        if (storage === undefined) throw refuse(404, "Storage not found.");
        refuseForeign(input, storage.type === "persistent" ? ["content"] : ["name", "host_path"]);
        storage.name = textOf(input, "name") ?? storage.name;
        storage.mount_path = textOf(input, "mount_path") ?? storage.mount_path;
        if ("host_path" in input) storage.host_path = textOf(input, "host_path") ?? null;
        if ("content" in input) storage.content = textOf(input, "content") ?? null;
        storage.is_preview_suffix_enabled = flag(input, "is_preview_suffix_enabled", storage.is_preview_suffix_enabled);
        storage.updated_at = timestamp();
        return ok(describe(storage, request.sensitive));
      },
    },
    {
      method: "DELETE",
      path: `${path}/:storage`,
      ability: "write",
      handle(request) {
        const storage = storagesOf(resource(request).id).find(({ uuid }) => uuid === request.params.storage);
        if (storage === undefined) throw refuse(404, "Storage not found.");
        state.storages = state.storages.filter((one) => one !== storage);
        return ok({ message: "Storage deleted." });
      },
    },
  ];
}

function refuseForeign(input: Fields, foreign: string[]): void {
  const found = foreign.filter((name) => name in input);
  if (found.length === 0) return;
  const type = plain(input.type);
  throw invalid(Object.fromEntries(found.map((name) => [name, `Field '${name}' is not valid for type '${type}'.`])));
}

function describe(storage: Storage, sensitive: boolean): Fields {
  const { id, uuid, mount_path, is_preview_suffix_enabled, created_at, updated_at } = storage;
  const { name, host_path, fs_path, is_directory, content } = storage;
  const file: Fields = { fs_path, is_directory, ...(sensitive ? { content } : {}) };
  const models: Record<Owner, string> = {
    application: "App\\Models\\Application",
    database: "App\\Models\\StandalonePostgresql",
    service: "App\\Models\\Service",
  };
  return {
    id,
    uuid,
    ...(storage.type === "persistent" ? { name, host_path } : file),
    mount_path,
    is_preview_suffix_enabled,
    resource_id: storage.ownerId,
    resource_type: models[storage.owner],
    created_at,
    updated_at,
  };
}
