import type { Settings } from "./settings.ts";

/**
 * DATABASE_SSH of the commands that use the database, or undefined where it is reached directly. A database on Coolify is a container
 * that only Docker on the server knows by name. The private key, DATABASE_SSH_KEY, is the process's own and in no stack.
 */
export function databaseSsh({ kind, reach }: Settings["database"]): string | undefined {
  if (reach?.kind !== "ssh") return undefined;
  const url = new URL(`ssh://${reach.user}@${reach.host}:${reach.port ?? 22}`);
  for (const hostKey of reach.hostKeys) url.searchParams.append("hostkey", hostKey);
  if (kind === "coolify") url.searchParams.set("container", "docker");
  return url.href;
}
