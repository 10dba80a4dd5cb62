import type { Coolify } from "../context.ts";
import { timestamp } from "../identifiers.ts";
import type { Deployment } from "../records.ts";
import { variablesOf } from "../resources/variable-rows.ts";
import { dotenvValue } from "./environment.ts";

/** Adds an entry to a deployment's log; values of variables that are shown once are blacked out (ApplicationDeploymentQueue.php). */
export function logEntry(
  coolify: Coolify,
  deployment: Deployment,
  message: string,
  {
    type = "stdout",
    hidden = false,
    command = null,
  }: { type?: "stdout" | "stderr"; hidden?: boolean; command?: string | null } = {},
): void {
  const secrets = variablesOf(coolify, "application", deployment.applicationId)
    .filter((row) => row.is_shown_once === true && !row.is_preview)
    .map(dotenvValue)
    .filter((value) => value !== "");
  const redact = (text: string): string =>
    secrets.reduce((whole, secret) => whole.replaceAll(secret, "<REDACTED>"), text);
  const order = deployment.logs.length + 1;
  deployment.logs.push({
    command: command === null ? null : redact(command),
    output: redact(message.trim()),
    type,
    timestamp: timestamp(),
    hidden,
    batch: 1,
    ...(order === 1 ? {} : { order }),
  });
}
