import { join } from "node:path";
import { OperationError } from "../../operations/error.ts";
import { answers, engineAddress } from "../docker/engine-address.ts";
import { installPackages } from "./install-packages.ts";
import { findProgram } from "./program-path.ts";
import { SetupError } from "./step.ts";

/**
 * Finds a Docker engine that containers can run on: one that answers, or dockerd, which is installed through the package manager when it is missing.
 * Throws an OperationError with the remedy where neither can be had.
 */
export async function provideDocker(
  dockerHost: string | undefined,
  logsFolder: string,
  note: (line: string) => void,
): Promise<void> {
  if (await answers(engineAddress(dockerHost))) return;
  if (dockerHost !== undefined) throw refused(`no engine answers at DOCKER_HOST, ${dockerHost}`);
  if (process.platform !== "linux") {
    throw refused("Docker runs in a virtual machine here, and its containers cannot be reached by their addresses");
  }
  if (process.getuid?.() !== 0) {
    throw refused("no engine answers at /var/run/docker.sock, and one of its own needs root");
  }
  if ((await findProgram("dockerd")) !== null) return;
  note("installing Docker through the package manager, 200 MB and about a minute");
  try {
    await installPackages(["docker"], "Docker", join(logsFolder, "package-manager.log"));
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    throw new OperationError("refused", { where: "docker runtime", what: error.message, next: error.next });
  }
}

function refused(what: string): OperationError {
  return new OperationError("refused", {
    where: "docker runtime",
    what: `${what}.`,
    next: "Start an engine of this machine that you may use (systemctl start docker, group docker), or use the process runtime: ./affexai sandbox up.",
  });
}
