import { chmod, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Where the machine keeps what decides about services. */
export interface ServicePlaces {
  /** Debian's packages ask this program before they start a service: https://manpages.debian.org/bookworm/init-system-helpers/invoke-rc.d.8.en.html */
  readonly policy: string;
  /** A link in one of its `*.wants` folders starts a service with the machine. */
  readonly units: string;
}

const ofMachine: ServicePlaces = { policy: "/usr/sbin/policy-rc.d", units: "/etc/systemd/system" };
const mark = "# Made by affexai while it installs packages";

/**
 * Runs an installation, as root, that leaves the programs and no service: what a package brings is neither started now nor with the machine. Nobody
 * who runs tests wants to have opened a port by it. Services that were there before are left alone.
 */
export async function withoutServices<T>(installation: () => Promise<T>, places = ofMachine): Promise<T> {
  const before = await wanted(places.units);
  const held = await holdStarts(places.policy);
  try {
    return await installation();
  } finally {
    if (held) await rm(places.policy, { force: true });
    const added = (await wanted(places.units)).filter((link) => !before.includes(link));
    await Promise.all(added.map((link) => rm(link)));
  }
}

/** Returns false where the machine has a policy of its own, which is left as it is. */
async function holdStarts(policy: string): Promise<boolean> {
  const present = await readFile(policy, "utf8").catch(() => null);
  if (present !== null && !present.includes(mark)) return false;
  // Only what is new is started; an upgrade restarts. In parentheses: the service does not belong to this runlevel. It holds nothing after a kill of this
  // process, and 101 says forbidden.
  const held = `kill -0 ${process.pid} 2>/dev/null && exit 101`;
  const question = `case " $* " in *" start "* | *" (start) "*) ${held} ;; esac\nexit 0`;
  const written = await writeFile(policy, `#!/bin/sh\n${mark}: nothing new is started.\n${question}\n`).then(
    () => true,
    () => false,
  );
  if (written) await chmod(policy, 0o755);
  return written;
}

/** The links that start services with the machine. */
async function wanted(units: string): Promise<string[]> {
  const folders = (await readdir(units).catch(() => [])).filter((name) => name.endsWith(".wants"));
  const links = await Promise.all(
    folders.map(async (name) => {
      const names = await readdir(join(units, name));
      return names.map((link) => join(units, name, link));
    }),
  );
  return links.flat();
}
