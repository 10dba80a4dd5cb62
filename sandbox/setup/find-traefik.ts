import { basename, dirname, join } from "node:path";
import { toolsFolder } from "./paths.ts";
import { findProgram } from "./program-path.ts";

/** Traefik's binary: what AFFEXAI_TRAEFIK names, what continuous integration unpacked, what is on PATH; or null. It is never installed. */
export async function findTraefik(
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<string | null> {
  const named = env["AFFEXAI_TRAEFIK"];
  if (named !== undefined && named !== "") return findProgram(basename(named), dirname(named));
  return (await findProgram("traefik", join(toolsFolder, "traefik"))) ?? findProgram("traefik", env["PATH"]);
}
