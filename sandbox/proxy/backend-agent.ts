import { Agent } from "node:http";
import type { Duplex } from "node:stream";
import { Socket } from "node:net";

const idleMs = 90_000;
const mostIdle = 200;

/**
 * The connections to the servers, with Go's behaviour as Traefik sets it: 200 idle ones a server, the most recently used first, each for 90 s. Unlike
 * Node's agent it does not look at a server's `Keep-Alive: timeout=` hint, because Go does not, and a server that closes earlier has to be felt.
 */
export class BackendAgent extends Agent {
  constructor() {
    super({ keepAlive: true, maxFreeSockets: mostIdle, scheduling: "lifo" });
  }

  override keepSocketAlive(socket: Duplex): boolean {
    if (!(socket instanceof Socket)) return false;
    socket.setKeepAlive(true, 15_000);
    socket.unref();
    socket.setTimeout(idleMs);
    return true;
  }

  override reuseSocket(socket: Duplex, request: Parameters<Agent["reuseSocket"]>[1]): void {
    super.reuseSocket(socket, request);
    if (socket instanceof Socket) socket.setTimeout(0);
  }
}
