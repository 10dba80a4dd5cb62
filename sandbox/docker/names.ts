import type { Readable } from "node:stream";
import type Docker from "dockerode";
import { HostsWriter, type HostsFile } from "../containers/hosts.ts";
import { madeBy } from "./mark.ts";

export interface NameService {
  close(): void;
}

/**
 * Keeps the hosts file that processes outside of containers resolve names with (sandbox/containers/network.mjs), as a VPN into the server's network
 * would: read anew whenever a container starts, ends or joins a network.
 */
export async function publishNames(docker: Docker, folder: string, hostsFile: string): Promise<NameService> {
  const writer = new HostsWriter(hostsFile);
  let closed = false;
  const report = (error: unknown) => {
    if (!closed) console.error(`names: ${error instanceof Error ? error.message : String(error)}`);
  };
  let reading = Promise.resolve();
  // One after the other: what was read first must not be written last. A reading that failed does not keep the next from it.
  const refresh = () =>
    (reading = reading.catch(() => undefined).then(async () => writer.write(await readNames(docker, folder))));
  const events = (await docker.getEvents({
    filters: JSON.stringify({ type: ["container", "network"], event: ["start", "die", "connect", "disconnect"] }),
  })) as Readable;
  events.on("data", () => void refresh().catch(report));
  events.on("error", report);
  await refresh();
  return {
    close() {
      closed = true;
      events.destroy();
    },
  };
}

async function readNames(docker: Docker, folder: string): Promise<HostsFile> {
  const networks: Record<string, Record<string, string[]>> = {};
  for (const { Id } of await docker.listContainers({ filters: madeBy(folder) })) {
    const info = await docker
      .getContainer(Id)
      .inspect()
      .catch(() => null);
    for (const [network, endpoint] of Object.entries(info?.NetworkSettings.Networks ?? {})) {
      if (endpoint.IPAddress === "") continue;
      const names = (networks[network] ??= {});
      const aliases = (endpoint.Aliases ?? []) as readonly string[];
      for (const name of new Set([info?.Name.slice(1) ?? "", Id.slice(0, 12), ...aliases])) {
        (names[name.toLowerCase()] ??= []).push(endpoint.IPAddress);
      }
    }
  }
  return { networks, containers: {} };
}
