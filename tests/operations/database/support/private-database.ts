import { databaseAccess } from "../../../../operations/database/access.ts";
import { withConnection } from "../../../../operations/database/connection.ts";
import type { Context } from "../../../../operations/verb.ts";
import { waitFor } from "../../../../operations/wait.ts";
import { environment, type Environment } from "./platform.ts";
import { findSshd, startSshServer, type SshServer } from "./ssh-server.ts";

/** A database whose host's name only the ssh server's Docker knows: whatever reaches it went through the tunnel. */
export interface PrivateDatabase {
  readonly ssh: SshServer;
  readonly place: Environment;
  /** An environment with the database's host replaced by the container's name, and the way to it. */
  context(changes?: Readonly<Record<string, string>>, of?: Environment): Context;
  /** Returns when nothing is connected to the ssh server any more. */
  noSessions(): Promise<unknown>;
}

const container = "q8sw0k4cg0w8ok4k";
/** Answers as `docker inspect` of a container in Coolify's network does. */
const docker = `
for name; do :; done
address=$(cat "$(dirname "$0")/address" 2>/dev/null || echo 127.0.0.1)
if [ "$1 $name" = "inspect ${container}" ]; then echo '{"coolify":{"IPAddress":"'$address'","GlobalIPv6Address":""}}'
else echo "Error: No such container: $name" >&2; exit 1; fi`;

/** Starts one; null, with the reason printed, where there is no sshd. */
export async function privateDatabase(): Promise<PrivateDatabase | null> {
  const sshd = process.platform === "linux" ? await findSshd() : null;
  if (sshd === null) {
    process.stderr.write("    pending: sshd was not found; install openssh-server to run these tests\n");
    return null;
  }
  const [ssh, place] = await Promise.all([startSshServer(sshd, { docker }), environment()]);
  return {
    ...{ ssh, place },
    context(changes = {}, of = place) {
      const hosts: Record<string, string> = {};
      for (const [name, url] of Object.entries(of.env))
        if (name.endsWith("DATABASE_URL")) hosts[name] = url.replace("@127.0.0.1:", `@${container}:`);
      const env = { ...of.env, ...hosts, ...ssh.env };
      return of.context({ env: { ...env, DATABASE_SSH: `${env.DATABASE_SSH}&container=docker`, ...changes } });
    },
    noSessions: () =>
      waitFor(
        {
          what: "the ssh server has no connections",
          timeoutMs: 10_000,
          intervalMs: 20,
          next: "See what holds them.",
          async look() {
            const left = await ssh.sessions();
            return left.length === 0 ? { done: true, value: true } : { done: false, seen: left.join() };
          },
        },
        place.context(),
      ),
  };
}

/** The role that the database knows the caller as. */
export function whoAmI({ env }: Context): Promise<string | undefined> {
  return withConnection(databaseAccess(env, "DATABASE_URL"), { applicationName: "a-test" }, async (client) => {
    const { rows } = await client.query<{ user: string }>("SELECT current_user::text AS user");
    return rows[0]?.user;
  });
}
