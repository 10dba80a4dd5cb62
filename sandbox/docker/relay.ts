import { once } from "node:events";
import { connect, createServer, type NetConnectOpts, type Socket } from "node:net";

export interface Relay {
  close(): Promise<void>;
}

/** Passes every connection on, byte by byte, as long as both sides like. */
export async function startRelay(from: { host: string; port: number }, to: NetConnectOpts): Promise<Relay> {
  const open = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
    const far = connect({ ...to, allowHalfOpen: true, noDelay: true });
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(socket);
      // The end of one side is the end of the other, also an unkind one.
      socket.once("error", () => other.destroy());
      socket.once("close", () => {
        open.delete(socket);
        if (socket.errored !== null || !other.writable) other.destroy();
      });
      socket.pipe(other);
    }
  });
  server.listen(from.port, from.host);
  await once(server, "listening");
  return {
    async close() {
      for (const socket of open) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
