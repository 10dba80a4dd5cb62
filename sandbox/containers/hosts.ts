import { writeJson } from "./json-file.ts";
import type { ContainerRecord } from "./record.ts";

/**
 * What `network.mjs` resolves names with. As Docker's embedded DNS: per user-defined network, the names, aliases and short ids of the containers
 * that run on it, whatever their health; the default bridge has no names.
 */
export interface HostsFile {
  /** network -> name -> addresses */
  readonly networks: Record<string, Record<string, string[]>>;
  /** container id -> what is its own */
  readonly containers: Record<string, { networks: string[]; hosts: Record<string, string> }>;
}

export function hostsOf(containers: Iterable<ContainerRecord>): HostsFile {
  const file: HostsFile = { networks: {}, containers: {} };
  for (const { id, name, config, hostConfig, endpoints, state } of containers) {
    const { address } = state;
    if (address === null) continue;
    const networks = Object.keys(endpoints).filter((network) => !["bridge", "host", "none"].includes(network));
    for (const network of networks) {
      const names = (file.networks[network] ??= {});
      for (const known of new Set([name, id.slice(0, 12), ...(endpoints[network]?.aliases ?? [])])) {
        (names[known.toLowerCase()] ??= []).push(address);
      }
    }
    file.containers[id] = {
      networks,
      hosts: { ...extraHosts(hostConfig.ExtraHosts ?? []), [hostname(id, config.Hostname)]: address },
    };
  }
  return file;
}

/** Docker's: the configured host name, or the short id. */
export function hostname(id: string, configured: string | undefined): string {
  return (configured === undefined || configured === "" ? id.slice(0, 12) : configured).toLowerCase();
}

/** `name:address`; `host-gateway` is the machine itself. */
function extraHosts(entries: readonly string[]): Record<string, string> {
  const pairs = entries.map((entry) => {
    const colon = entry.search(/[:=]/);
    const address = entry.slice(colon + 1);
    return [entry.slice(0, colon).toLowerCase(), address === "host-gateway" ? "127.0.0.1" : address] as const;
  });
  return Object.fromEntries(pairs);
}

/** Writes the hosts file again and again, one at a time, always the newest content last. */
export class HostsWriter {
  readonly #path: string;
  #written: Promise<void> = Promise.resolve();
  #content = "";

  constructor(path: string) {
    this.#path = path;
  }

  /** Resolves once a file at least as new as `hosts` is in place. */
  write(hosts: HostsFile): Promise<void> {
    const content = JSON.stringify(hosts);
    if (content === this.#content) return this.#written;
    this.#content = content;
    this.#written = this.#written.then(() => writeJson(this.#path, hosts));
    return this.#written;
  }
}
