import type { Coolify } from "../context.ts";
import { created, invalid, ok, refuse } from "../http/reply.ts";
import { flag, text as textOf, type ApiRequest } from "../http/request.ts";
import type { Route } from "../http/route.ts";
import { timestamp } from "../identifiers.ts";
import { isFields, type Fields } from "../json.ts";
import type { Owner, Variable } from "../records.ts";
import { flagRule, problemsOf, required, text, validate } from "../validation/field.ts";
import { variableKeyRule } from "../validation/patterns.ts";
import { findOwner } from "./lookup.ts";
import { variableDeletion, variablesOf } from "./variable-rows.ts";
import { describeVariable } from "./variable-view.ts";

const flags = ["is_literal", "is_multiline", "is_shown_once"] as const;
const rules = {
  key: required(variableKeyRule),
  value: text({ nullable: true }),
  is_literal: flagRule(),
  is_multiline: flagRule(),
  is_shown_once: flagRule(),
  comment: text({ nullable: true, max: 256 }),
};

/**
 * Environment variables of databases and services (Coolify 379abb2, DatabasesController.php, ServicesController.php): one row a key, no
 * twins, flags change only when they are sent, unknown fields are ignored, and create answers with the row.
 */
export function plainVariableRoutes(coolify: Coolify): Route[] {
  return (["database", "service"] as const).flatMap((owner) => routesOf(coolify, owner));
}

function routesOf(coolify: Coolify, owner: Owner): Route[] {
  const path = `/${owner}s/:uuid/envs`;
  const ownerOf = ({ params, teamId }: ApiRequest) => findOwner(coolify, owner, teamId, params.uuid ?? "");
  const find = (ownerId: number, input: Fields) =>
    variablesOf(coolify, owner, ownerId).find((row) => row.key === textOf(input, "key"));
  const add = (ownerId: number, input: Fields): Variable => {
    const row: Variable = {
      ...coolify.store.stamp(),
      owner,
      ownerId,
      key: textOf(input, "key") ?? "",
      value: textOf(input, "value") ?? null,
      comment: textOf(input, "comment") ?? null,
      is_preview: false,
      is_literal: flag(input, "is_literal"),
      is_multiline: flag(input, "is_multiline"),
      is_shown_once: flag(input, "is_shown_once"),
      is_runtime: true,
      is_buildtime: true,
    };
    coolify.store.state.variables.push(row);
    return row;
  };
  return [
    {
      method: "GET",
      path,
      ability: "read",
      handle: (request) =>
        ok(variablesOf(coolify, owner, ownerOf(request).id).map((row) => describeVariable(row, request.sensitive))),
    },
    {
      method: "POST",
      path,
      ability: "write",
      handle(request) {
        const { id } = ownerOf(request);
        validate(request.input, rules);
        if (find(id, request.input) !== undefined) {
          throw refuse(409, "Environment variable already exists. Use PATCH request to update it.");
        }
        return created(describeVariable(add(id, request.input), request.sensitive));
      },
    },
    {
      method: "PATCH",
      path,
      ability: "write",
      handle(request) {
        const { id } = ownerOf(request);
        validate(request.input, rules);
        const row = find(id, request.input);
        if (row === undefined) throw refuse(404, "Environment variable not found.");
        overwrite(row, request.input);
        return created(describeVariable(row, request.sensitive));
      },
    },
    {
      method: "PATCH",
      path: `${path}/bulk`,
      ability: "write",
      handle(request) {
        const { id } = ownerOf(request);
        const { data } = request.input;
        if (!Array.isArray(data) || data.length === 0) throw refuse(400, "Bulk data is required.");
        const done = data.map((entry) => {
          const item = isFields(entry) ? entry : {};
          const problems = problemsOf(item, rules);
          if (Object.keys(problems).length > 0) throw invalid(problems);
          const known = find(id, item);
          if (known !== undefined) overwrite(known, item);
          return describeVariable(known ?? add(id, item), request.sensitive);
        });
        return created(done);
      },
    },
    variableDeletion(coolify, owner),
  ];
}

function overwrite(row: Variable, input: Fields): void {
  row.value = textOf(input, "value") ?? null;
  for (const name of flags) if (name in input) row[name] = flag(input, name);
  if ("comment" in input) row.comment = textOf(input, "comment") ?? null;
  row.updated_at = timestamp();
}
