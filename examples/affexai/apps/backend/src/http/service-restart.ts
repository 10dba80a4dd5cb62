import type { WebSocket, WebSocketServer } from "ws";

/** RFC 6455 has no better code for "come back, to another replica"; 1012 is IANA's "Service Restart". */
const serviceRestart = 1012;

/**
 * Closes every socket of a server so that its client comes again, and is served by another replica. Those that still come are closed as
 * well: a reload of the proxy sends them here until its next check.
 */
export function sendSocketsAway(server: WebSocketServer): void {
  const sendAway = (socket: WebSocket): void => socket.close(serviceRestart, "restarting");
  server.on("connection", sendAway);
  server.clients.forEach(sendAway);
}
