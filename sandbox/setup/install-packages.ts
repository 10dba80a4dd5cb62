import { asTyped, findPackageManager, type Need } from "./package-manager.ts";
import { logTail, runLogged, say, SetupError } from "./step.ts";
import { withoutServices } from "./without-services.ts";

const withinMs = 15 * 60_000;

/** Set-up steps run side by side, package managers do not: the end of the last installation. */
let lastOne: Promise<unknown> = Promise.resolve();

/** Installs through the machine's package manager, saying so first. `what` is for people. Throws SetupError with the command to type. */
export async function installPackages(needs: readonly Need[], what: string, logFile: string): Promise<void> {
  const installation = lastOne.then(() => install(needs, what, logFile));
  lastOne = installation.catch(() => undefined);
  return installation;
}

async function install(needs: readonly Need[], what: string, logFile: string): Promise<void> {
  const manager = await findPackageManager();
  if (manager === null) {
    throw new SetupError(
      `${what} is missing, and no package manager was found (apt-get, dnf, apk, brew).`,
      `Install ${what} and put its programs on PATH.`,
    );
  }
  const commands = manager.installCommands(needs);
  say(`installing ${what} through ${manager.program}, about a minute: ${asTyped(commands)}`);
  const installAll = () => runAll(commands, what, logFile);
  await (manager.needsSudo ? installAll() : withoutServices(installAll));
}

async function runAll(commands: readonly string[][], what: string, logFile: string): Promise<void> {
  for (const command of commands) {
    const done = await runLogged({ command, logFile, timeoutMs: withinMs, env: { DEBIAN_FRONTEND: "noninteractive" } });
    // Only the last one installs: a package list that could not be refreshed may still be good enough for it.
    if (!done && command === commands.at(-1)) {
      throw new SetupError(`${what} could not be installed.\n${await logTail(logFile)}`, `Run: ${asTyped(commands)}`);
    }
  }
}
