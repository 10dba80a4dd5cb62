import type { HealthConfig } from "dockerode";
import type { ApplicationColumns } from "../application-columns.ts";
import { healthCommand, healthPath } from "../validation/patterns.ts";

const second = 1_000_000_000;

/** A health section and how the log names it. */
export interface HealthCheck {
  config: HealthConfig;
  /** For example `GET: http://127.0.0.1:3000/health/ready`, or the command. */
  spoken: string;
}

/**
 * The container's health section, undefined when switched off, or when there is no port to ask. HTTP checks are curl, else wget, inside
 * the container; return code and response text are stored but never used. Source: Coolify 379abb2, generate_healthcheck_commands.
 */
export function healthCheck(columns: ApplicationColumns): HealthCheck | undefined {
  if (!columns.health_check_enabled) return undefined;
  const command = healthShell(columns);
  if (command === undefined) return undefined;
  return {
    spoken: command.spoken,
    config: {
      Test: ["CMD-SHELL", command.shell],
      Interval: columns.health_check_interval * second,
      Timeout: columns.health_check_timeout * second,
      Retries: columns.health_check_retries,
      StartPeriod: columns.health_check_start_period * second,
    },
  };
}

function healthShell(columns: ApplicationColumns): { shell: string; spoken: string } | undefined {
  const own = columns.health_check_command?.replace(/[\r\n]+/g, " ");
  if (columns.health_check_type === "cmd" && own !== undefined && healthCommand.test(own))
    return { shell: own, spoken: own };
  const port = columns.health_check_port ?? columns.ports_exposes?.split(",")[0];
  if (port === undefined) return undefined;
  const method = matching(columns.health_check_method, /^[A-Z]+$/, "GET");
  const scheme = matching(columns.health_check_scheme, /^https?$/, "http");
  const host = matching(columns.health_check_host, /^[a-zA-Z0-9.\-_]+$/, "localhost");
  const path = matching(columns.health_check_path ?? "/", healthPath, "/");
  const url = `${scheme}://${host}:${port}${path}`;
  return {
    shell: `curl -s -X '${method}' -f '${url}' > /dev/null || wget -q -O- '${url}' > /dev/null || exit 1`,
    spoken: `${method}: ${url}`,
  };
}

function matching(value: string, pattern: RegExp, fallback: string): string {
  return pattern.test(value) ? value : fallback;
}
