import type { Coolify } from "../context.ts";
import { created, invalid, ok, refuse, type Reply } from "../http/reply.ts";
import { flag, requireJson, text as textOf, type ApiRequest } from "../http/request.ts";
import type { Route } from "../http/route.ts";
import { timestamp } from "../identifiers.ts";
import { isFields, type Fields } from "../json.ts";
import type { Variable } from "../records.ts";
import { flagRule, only, problemsOf, required, text, validate } from "../validation/field.ts";
import { variableKeyRule } from "../validation/patterns.ts";
import { findApplication } from "./lookup.ts";
import { variableDeletion, variablesOf } from "./variable-rows.ts";
import { describeVariable } from "./variable-view.ts";

const fields = [
  "key",
  "value",
  "is_preview",
  "is_literal",
  "is_multiline",
  "is_shown_once",
  "is_runtime",
  "is_buildtime",
  "comment",
];
const rules = {
  key: required(variableKeyRule),
  value: text({ nullable: true }),
  is_preview: flagRule(),
  is_literal: flagRule(),
  is_multiline: flagRule(),
  is_shown_once: flagRule(),
  is_runtime: flagRule(),
  is_buildtime: flagRule(),
  comment: text({ nullable: true, max: 256 }),
};

/**
 * Environment variables of applications (Coolify 379abb2, ApplicationsController.php, Models/EnvironmentVariable.php). A production row
 * makes a preview twin when it is created, and never again; PATCH resets the flags that it is not sent.
 */
export function variableRoutes(coolify: Coolify): Route[] {
  const application = ({ params, teamId }: ApiRequest) => findApplication(coolify, teamId, params.uuid ?? "", "");
  return [
    {
      method: "GET",
      path: "/applications/:uuid/envs",
      ability: "read",
      handle(request) {
        const rows = variablesOf(coolify, "application", application(request).id);
        const inOrder = [...rows.filter((row) => !row.is_preview), ...rows.filter((row) => row.is_preview)];
        return ok(inOrder.map((row) => describeVariable(row, request.sensitive)));
      },
    },
    {
      method: "POST",
      path: "/applications/:uuid/envs",
      ability: "write",
      handle(request) {
        const { id } = application(request);
        const { input } = request;
        validate(input, rules, fields);
        const preview = flag(input, "is_preview");
        if (find(coolify, id, textOf(input, "key") ?? "", preview) !== undefined) {
          throw refuse(409, "Environment variable already exists. Use PATCH request to update it.");
        }
        return created({ uuid: add(coolify, id, input).uuid });
      },
    },
    {
      method: "PATCH",
      path: "/applications/:uuid/envs",
      ability: "write",
      handle(request) {
        requireJson(request);
        const { id } = application(request);
        const { input } = request;
        validate(input, rules, fields);
        const variable = find(coolify, id, textOf(input, "key") ?? "", flag(input, "is_preview"));
        if (variable === undefined) throw refuse(404, "Environment variable not found.");
        overwrite(variable, input);
        return created(describeVariable(variable, request.sensitive));
      },
    },
    {
      method: "PATCH",
      path: "/applications/:uuid/envs/bulk",
      ability: "write",
      handle: (request) => bulk(coolify, application(request).id, request),
    },
    variableDeletion(coolify, "application"),
  ];
}

/** Creates or updates each in turn: a bad entry stops the rest and keeps what was done. Never deletes. Unknown names are ignored. */
function bulk(coolify: Coolify, applicationId: number, request: ApiRequest): Reply {
  requireJson(request);
  const { data } = request.input;
  if (!data || (Array.isArray(data) && data.length === 0)) throw refuse(400, "Bulk data is required.");
  const done: Fields[] = [];
  for (const entry of Array.isArray(data) ? data : Object.values(isFields(data) ? data : {})) {
    const item = only(isFields(entry) ? entry : {}, fields);
    const problems = problemsOf(item, rules);
    if (Object.keys(problems).length > 0) throw invalid(problems);
    const known = find(coolify, applicationId, textOf(item, "key") ?? "", flag(item, "is_preview"));
    if (known !== undefined) overwrite(known, item);
    done.push(describeVariable(known ?? add(coolify, applicationId, item), request.sensitive));
  }
  return created(done);
}

function find(coolify: Coolify, applicationId: number, key: string, preview: boolean): Variable | undefined {
  return variablesOf(coolify, "application", applicationId).find(
    (row) => row.key === key && row.is_preview === preview,
  );
}

function add(coolify: Coolify, applicationId: number, input: Fields): Variable {
  const row: Variable = {
    ...coolify.store.stamp(),
    owner: "application",
    ownerId: applicationId,
    key: textOf(input, "key") ?? "",
    value: textOf(input, "value") ?? null,
    comment: textOf(input, "comment") ?? null,
    is_preview: flag(input, "is_preview"),
    is_literal: flag(input, "is_literal"),
    is_multiline: flag(input, "is_multiline"),
    is_shown_once: flag(input, "is_shown_once"),
    is_runtime: flag(input, "is_runtime", true),
    is_buildtime: flag(input, "is_buildtime", true),
  };
  const { state } = coolify.store;
  state.variables.push(row);
  if (!row.is_preview && find(coolify, applicationId, row.key, true) === undefined) {
    state.variables.push({ ...row, ...coolify.store.stamp(), is_preview: true, is_shown_once: false });
  }
  return row;
}

/** Leaving a flag out is not neutral: is_literal becomes false, is_multiline and is_shown_once null. */
function overwrite(variable: Variable, input: Fields): void {
  variable.value = textOf(input, "value") ?? null;
  variable.is_literal = flag(input, "is_literal");
  variable.is_multiline = "is_multiline" in input ? flag(input, "is_multiline") : null;
  variable.is_shown_once = "is_shown_once" in input ? flag(input, "is_shown_once") : null;
  if ("is_runtime" in input) variable.is_runtime = flag(input, "is_runtime");
  if ("is_buildtime" in input) variable.is_buildtime = flag(input, "is_buildtime");
  if ("comment" in input) variable.comment = textOf(input, "comment") ?? null;
  variable.updated_at = timestamp();
}
