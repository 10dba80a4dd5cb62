import { answerText, type Exchange, type Handler, type Outcome } from "./exchange.ts";
import { forward, type Backend } from "./forward.ts";
import type { BackendAgent } from "./backend-agent.ts";
import type { Service } from "./definition.ts";
import { forwardUpgrade } from "./upgrade.ts";

/** The servers of one service, in turn. All of them are up until a health check says otherwise. */
export interface Balancer {
  readonly handle: Handler;
  /** By URL. */
  readonly statuses: ReadonlyMap<string, "UP" | "DOWN">;
  setStatus(url: string, up: boolean): void;
}

/** Round robin over the servers that are up (pkg/server/service/loadbalancer/wrr); in a random order that changes with each reload, as in Traefik. */
export function balance(service: Service, agent: BackendAgent): Balancer {
  const servers = shuffled(service.servers).map((url) => ({ url, backend: backendOf(url, service.passHostHeader) }));
  const statuses = new Map<string, "UP" | "DOWN">(servers.map(({ url }) => [url, "UP"]));
  let turn = 0;
  const next = () => {
    for (let step = 0; step < servers.length; step += 1) {
      const server = servers[(turn + step) % servers.length];
      if (server === undefined || statuses.get(server.url) !== "UP") continue;
      turn = (turn + step + 1) % servers.length;
      return server.backend;
    }
    return null;
  };
  const handle = async (exchange: Exchange): Promise<Outcome> => {
    const backend = next();
    if (backend === null) return answerText(exchange, 503, "no available server\n");
    return exchange.response === null ? forwardUpgrade(exchange, backend) : forward(exchange, backend, agent);
  };
  return { handle, statuses, setStatus: (url, up) => void statuses.set(url, up ? "UP" : "DOWN") };
}

function backendOf(text: string, passHostHeader: boolean): Backend {
  const url = new URL(text);
  return { host: url.hostname, port: url.port === "" ? 80 : Number(url.port), passHostHeader };
}

function shuffled<T>(values: readonly T[]): T[] {
  return values
    .map((value) => ({ value, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ value }) => value);
}
