import { dotenvValue } from "../deployments/environment.ts";
import type { Fields } from "../json.ts";
import type { Variable } from "../records.ts";
import { ordered } from "./application-view.ts";

/** A row as the API gives it: value and real_value are left out for tokens that may not see secrets, and always when shown once. */
export function describeVariable(variable: Variable, sensitive: boolean): Fields {
  const { id, owner, ownerId, ...rest } = variable;
  const shown = sensitive && variable.is_shown_once !== true;
  const { value, ...row } = rest;
  const isShared = /^\{\{[^.]+\..*\}\}$/.test(value ?? "");
  return ordered({
    ...row,
    ...(shown ? { value, real_value: dotenvValue(variable) } : {}),
    is_buildpack_control: /^(NIXPACKS|RAILPACK)_/.test(variable.key),
    is_coolify: variable.key.startsWith("SERVICE_"),
    is_really_required: false,
    is_required: false,
    is_shared: isShared,
    order: null,
    version: "4",
    ...(owner === "application" ? {} : { id, resourceable_id: ownerId }),
  });
}
