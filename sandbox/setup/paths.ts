import { homedir } from "node:os";
import { join, resolve } from "node:path";

/** The repository's root. */
export const root = resolve(import.meta.dirname, "..", "..");

/** What set-up makes for this clone; git ignores it. */
export const toolsFolder = join(root, ".tools");

/** The sandbox's state. AFFEXAI_SANDBOX_DIR moves it. */
export function sandboxFolder(env: Readonly<Record<string, string | undefined>> = process.env): string {
  return resolve(root, env["AFFEXAI_SANDBOX_DIR"] ?? ".sandbox");
}

/**
 * Pulumi's home of the user, not of the sandbox: engines are kept there, and a shell that has the sandbox's environment must find the same one.
 */
export function pulumiHome(env: Readonly<Record<string, string | undefined>> = process.env): string {
  const given = env["PULUMI_HOME"];
  const own = join(homedir(), ".pulumi");
  return given === undefined || given === "" || given.startsWith(sandboxFolder(env)) ? own : given;
}
