import { settingOf, type Application } from "./answers.ts";

/** A setting that we never send, because Coolify's own value is the right one. */
interface Fallback {
  /** What Coolify answers for an application that nobody edited (379abb2, database/migrations and Models/Application.php). */
  readonly fallback: string | number | boolean;
  /** Anything may stand in it, a password too: never shown. */
  readonly free?: true;
  /** By which name, and with which value, a request puts it back; its own unless given. */
  readonly request?: Readonly<Record<string, unknown>>;
}

/**
 * Each of these changes what a deployment does, although our own settings stay as they are: a domain makes Coolify write labels of
 * its own, run options and hooks run what nobody declared, limits starve the container.
 */
const fallbacks: Readonly<Record<string, Fallback>> = {
  fqdn: { fallback: "", request: { domains: null } },
  is_http_basic_auth_enabled: { fallback: false },
  is_preview_deployments_enabled: { fallback: false },
  is_container_label_escape_enabled: { fallback: true },
  custom_docker_run_options: { fallback: "", free: true, request: { custom_docker_run_options: null } },
  custom_container_name_prefix: { fallback: "", request: { custom_container_name_prefix: null } },
  pre_deployment_command: { fallback: "", free: true, request: { pre_deployment_command: null } },
  post_deployment_command: { fallback: "", free: true, request: { post_deployment_command: null } },
  limits_memory_swap: { fallback: "0" },
  limits_memory_swappiness: { fallback: 60 },
  limits_memory_reservation: { fallback: "0" },
  limits_cpuset: { fallback: "", request: { limits_cpuset: null } },
  limits_cpu_shares: { fallback: 1024 },
};

/** What differs from that. A field that this version does not have is none. */
export function undeclaredSettings(
  application: Application,
): { name: string; fallback: Fallback["fallback"]; found: string; free: boolean }[] {
  return Object.entries(fallbacks).flatMap(([name, { fallback, free = false }]) => {
    const value = settingOf(application, name);
    const found = value === undefined || value === null ? "" : String(value);
    const same =
      found === "" || found === String(fallback) || (typeof fallback === "boolean" && value === (fallback ? 1 : 0));
    return same ? [] : [{ name, fallback, found, free }];
  });
}

/** The fields of a request that puts these settings back. */
export function resetFields(names: readonly string[]): Record<string, unknown> {
  return Object.assign(
    {},
    ...names.flatMap((name) => {
      const known = fallbacks[name];
      return known === undefined ? [] : [known.request ?? { [name]: known.fallback }];
    }),
  ) as Record<string, unknown>;
}
