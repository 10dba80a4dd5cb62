import type { WebSocketServer } from "ws";

/** RFC 6455 has no better code for "come back, to another replica"; 1012 is IANA's "Service Restart". */
const serviceRestart = 1012;

/** Closes every socket of a server so that its client comes again, and is served by another replica. */
export function sendSocketsAway(server: WebSocketServer): void {
  for (const socket of server.clients) socket.close(serviceRestart, "restarting");
}
