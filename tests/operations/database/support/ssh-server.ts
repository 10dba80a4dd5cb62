import { createHash } from "node:crypto";
import { appendFile, chmod, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import ssh2 from "ssh2";
import { freePort } from "../../../../sandbox/processes/free-port.ts";
import { startServer } from "../../../../sandbox/processes/server-process.ts";
import { findProgram } from "../../../../sandbox/setup/program-path.ts";

export interface SshServer {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** Fingerprint of its host key. */
  readonly hostKey: string;
  /** DATABASE_SSH, and the key that it takes. */
  readonly env: { readonly DATABASE_SSH: string; readonly DATABASE_SSH_KEY: string };
  /** The folder of the programs, which stand before all others for who logs in. */
  readonly programs: string;
  /** Lets another key in, with options of authorized_keys; returns its private half. */
  authorise(options: string): Promise<string>;
  /** Ends the connections that are open, with SIGKILL; returns how many. */
  killSessions(): Promise<number>;
  sessions(): Promise<number[]>;
  close(): Promise<void>;
}

/** Where sshd is, or null. Debian's openssh-server keeps it out of the PATH of users. */
export async function findSshd(): Promise<string | null> {
  return findProgram("sshd", `/usr/sbin:${process.env.PATH ?? ""}`);
}

/** OpenSSH's sshd on loopback, with keys of its own. It lets this user in, and finds the `programs` (name to shell text) first. */
export async function startSshServer(sshd: string, programs: Readonly<Record<string, string>>): Promise<SshServer> {
  const dir = await mkdtemp(join(tmpdir(), "affexai-sshd-"));
  const [hostKey, key] = [keyPair(), keyPair()];
  const authorized = join(dir, "authorized_keys");
  await writeFile(join(dir, "host_key"), hostKey.private, { mode: 0o600 });
  await writeFile(authorized, `${key.public}\n`, { mode: 0o600 });
  await mkdir(join(dir, "bin"));
  for (const [name, text] of Object.entries(programs)) {
    await writeFile(join(dir, "bin", name), `#!/bin/sh\n${text}\n`);
    await chmod(join(dir, "bin", name), 0o755);
  }
  // As root it wants an empty folder of this name, which the system's own service makes at each start.
  if (process.getuid?.() === 0) await mkdir("/run/sshd", { recursive: true, mode: 0o755 });
  const host = "127.0.0.1";
  const port = await freePort(host);
  const user = userInfo().username;
  const config = join(dir, "sshd_config");
  await writeFile(
    config,
    [
      `ListenAddress ${host}:${port}`,
      `HostKey ${join(dir, "host_key")}`,
      `AuthorizedKeysFile ${authorized}`,
      `SetEnv PATH=${join(dir, "bin")}:/usr/bin:/bin`,
      ...[
        "PidFile none",
        "StrictModes no",
        "UsePAM no",
        "PasswordAuthentication no",
        "PermitRootLogin prohibit-password",
      ],
      ...["LogLevel VERBOSE", "MaxStartups 100", "MaxSessions 100", ""],
    ].join("\n"),
  );
  const logFile = join(dir, "sshd.log");
  const server = await startServer({
    name: "sshd",
    dir,
    file: sshd,
    arguments: ["-D", "-e", "-f", config],
    user: undefined,
    logFile,
    ready: async () => (await readFile(logFile, "utf8")).includes("Server listening"),
    readyWithinMs: 20_000,
    stop: [
      { signal: "SIGTERM", withinMs: 5000 },
      { signal: "SIGKILL", withinMs: 5000 },
    ],
  });
  const sessions = () => childrenOf(server.pid);
  return {
    ...{ host, port, user, hostKey: hostKey.fingerprint, programs: join(dir, "bin"), sessions },
    env: {
      DATABASE_SSH: `ssh://${user}@${host}:${port}?hostkey=${encodeURIComponent(hostKey.fingerprint)}`,
      DATABASE_SSH_KEY: key.private,
    },
    async authorise(options) {
      const pair = keyPair();
      await appendFile(authorized, `${options} ${pair.public}\n`);
      return pair.private;
    },
    async killSessions() {
      const open = await sessions();
      for (const pid of open) process.kill(pid, "SIGKILL");
      return open.length;
    },
    async close() {
      for (const pid of await sessions()) process.kill(pid, "SIGKILL");
      await server.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** A pair of ed25519 keys in OpenSSH's format, and the fingerprint as ssh-keygen prints it. */
export function keyPair(): { private: string; public: string; fingerprint: string } {
  const pair = ssh2.utils.generateKeyPairSync("ed25519");
  const blob = Buffer.from(pair.public.split(" ")[1] ?? "", "base64");
  const fingerprint = `SHA256:${createHash("sha256").update(blob).digest("base64").replace(/=+$/, "")}`;
  return { private: pair.private, public: pair.public.trim(), fingerprint };
}

/** All processes below `parent`, from /proc: sshd keeps one, or two without root, for each connection. */
async function childrenOf(parent: number): Promise<number[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  const parents = new Map<number, number>();
  for (const pid of pids) {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
    const [state, ppid] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (state !== "Z") parents.set(pid, Number(ppid));
  }
  const found: number[] = [];
  for (let level = [parent]; level.length > 0;) {
    level = [...parents].filter(([, ppid]) => level.includes(ppid)).map(([pid]) => pid);
    found.push(...level);
  }
  return found;
}
