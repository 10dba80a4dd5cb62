import type { Application, Variable } from "../records.ts";

/**
 * A value as Coolify writes it into the .env file: in single quotes when literal or multiline, else with backslash escapes; JSON objects
 * and lists as they are. Source: Coolify 379abb2, getResolvedValueWithServer in Models/EnvironmentVariable.php, escapeEnvVariables.
 */
export function dotenvValue({ value, is_literal, is_multiline }: Variable): string {
  const plain = value ?? "";
  if (/^[[{]/.test(plain) && isJson(plain)) return plain;
  if (is_literal || is_multiline === true) return `'${plain}'`;
  const escapes: Record<string, string> = {
    "\\": "\\\\",
    "\r": "\\r",
    "\t": "\\t",
    "\0": "\\0",
    '"': '\\"',
    "'": "\\'",
  };

  return plain.replace(/[\\\r\t\0"']/g, (character) => escapes[character] ?? character);
}

/**
 * The .env file of a deployment: what Coolify injects when the variable is absent, the runtime variables, then PORT (the first of
 * ports_exposes) and HOST. SOURCE_COMMIT is the literal HEAD for an image. Source: Coolify 379abb2,
 * generate_runtime_environment_variables and generate_coolify_env_variables in ApplicationDeploymentJob.php.
 */
export function dotenvFile(
  application: Application,
  rows: readonly Variable[],
  job: { commit: string; containerName: string },
): string {
  const { columns, settings, uuid } = application;
  const production = rows.filter(({ is_preview }) => !is_preview);
  const absent = (key: string): boolean => production.every((row) => row.key !== key);
  const lines: string[] = [];
  const inject = (key: string, value: string, unless = key): void => {
    if (absent(unless)) lines.push(`${key}=${value}`);
  };
  inject("SOURCE_COMMIT", job.commit);
  inject("COOLIFY_URL", columns.fqdn ?? "", "COOLIFY_FQDN");
  inject("COOLIFY_FQDN", (columns.fqdn ?? "").replaceAll(/https?:\/\//g, ""), "COOLIFY_URL");
  inject("COOLIFY_BRANCH", "");
  inject("COOLIFY_RESOURCE_UUID", uuid);
  inject("COOLIFY_CONTAINER_NAME", job.containerName);
  const runtime = production.filter(({ is_runtime }) => is_runtime);
  if (settings.is_env_sorting_enabled) runtime.sort((left, right) => (left.key < right.key ? -1 : 1));
  for (const row of runtime) lines.push(`${row.key}=${dotenvValue(row)}`);
  const [port] = columns.ports_exposes?.split(",") ?? [];
  if (port !== undefined) inject("PORT", port);
  inject("HOST", "0.0.0.0");
  return lines.join("\n");
}

function isJson(value: string): boolean {
  try {
    JSON.parse(value);
    return true;
  } catch {
    return false;
  }
}
