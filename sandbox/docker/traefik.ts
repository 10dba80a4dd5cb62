import { setTimeout as pause } from "node:timers/promises";
import type Docker from "dockerode";
import { connectEngine, type EngineAddress } from "./engine-address.ts";
import { madeMark, sandboxLabel, shortMark } from "./mark.ts";
import { networkName } from "./network.ts";

/** What Coolify's server runs (coolify.io/docs, knowledge-base/proxy/traefik). */
export const proxyImage = "traefik:v3.6";

export interface TraefikOptions {
  readonly host: string;
  readonly port: number;
  /** Over TCP: the sandbox's own way to the engine. */
  readonly docker: { readonly host: string; readonly port: number };
  /** The sandbox's state folder: only containers with its mark are routed to. */
  readonly folder: string;
}

export interface Traefik {
  readonly url: string;
  close(): Promise<void>;
}

const readyWithinMs = 30_000;

/** The name of the container that stands before a sandbox's others. */
export function proxyContainer(folder: string): string {
  return `affexai-proxy-${shortMark(folder)}`;
}

/**
 * The real Traefik as a container, on loopback. On the machine's own network, so that nothing stands between it and its clients: a published port
 * would put Docker's user-space proxy there.
 */
export async function startTraefik(options: TraefikOptions): Promise<Traefik> {
  const { host, port, folder } = options;
  const docker = connectEngine(options.docker satisfies EngineAddress);
  const name = proxyContainer(folder);
  await remove(docker, name);
  const container = await docker.createContainer({
    name,
    Image: proxyImage,
    Cmd: traefikArguments(options),
    Labels: madeMark(folder),
    HostConfig: { NetworkMode: "host", RestartPolicy: { Name: "unless-stopped" } },
  });
  await container.start();
  const logs = await container.logs({ follow: true, stdout: true, stderr: true });
  docker.modem.demuxStream(logs, process.stdout, process.stderr);
  const url = `http://${host}:${port}`;
  await untilReady(`${url}/ping`);
  return { url, close: () => remove(docker, name) };
}

/**
 * The settings of Coolify's own proxy as far as they bear on routing (coollabsio/coolify 379abb2, bootstrap/helpers/proxy.php,
 * generateDefaultProxyConfiguration); throttle, timeouts and balancing are Traefik's defaults there too.
 */
export function traefikArguments({ host, port, docker, folder }: TraefikOptions): string[] {
  return [
    "--ping=true",
    "--ping.entrypoint=http",
    `--entrypoints.http.address=${host}:${port}`,
    "--entrypoints.http.http.encodequerysemicolons=true",
    "--providers.docker=true",
    "--providers.docker.exposedbydefault=false",
    `--providers.docker.network=${networkName}`,
    `--providers.docker.endpoint=tcp://${docker.host}:${docker.port}`,
    // On a shared machine's engine there may be others' containers with labels for Traefik.
    `--providers.docker.constraints=Label(\`${sandboxLabel}\`,\`${folder}\`)`,
    "--global.checknewversion=false",
    "--global.sendanonymoususage=false",
  ];
}

async function untilReady(url: string): Promise<void> {
  const deadline = Date.now() + readyWithinMs;
  let seen = "nothing";
  while (Date.now() < deadline) {
    try {
      const answer = await fetch(url, { signal: AbortSignal.timeout(2000) });
      await answer.body?.cancel();
      if (answer.ok) return;
      seen = `status ${answer.status}`;
    } catch (error) {
      const cause = error instanceof Error ? (error.cause ?? error) : error;
      seen = cause instanceof Error ? cause.message : String(cause);
    }
    await pause(100);
  }
  throw new Error(`Traefik was not ready within ${readyWithinMs / 1000} s; ${url} gave ${seen}.`);
}

async function remove(docker: Docker, name: string): Promise<void> {
  await docker
    .getContainer(name)
    .remove({ force: true })
    .catch((error: { statusCode?: number }) => {
      if (error.statusCode !== 404) throw error;
    });
}
