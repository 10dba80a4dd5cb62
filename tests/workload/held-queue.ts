import { once } from "node:events";
import { createServer, connect, type AddressInfo, type Socket } from "node:net";

export interface HeldQueue {
  /** Redis's URL, through here. */
  readonly url: string;
  /** Resolves when a worker of BullMQ waits for an answer. */
  readonly held: Promise<void>;
  close(): Promise<void>;
}

/** As a command of RESP, the protocol of Redis. */
const info = /\$4\r\ninfo\r\n/gi;

/**
 * Stands between an application and Redis, and lets no worker of BullMQ get to the end of connecting: on each of its connections ioredis asks
 * for INFO until the server is ready, and BullMQ once more for the version. That second one is answered on the first such connection, the queue's
 * own, and on none after it.
 */
export async function heldQueue(redisUrl: string): Promise<HeldQueue> {
  const url = new URL(redisUrl);
  const { hostname, port } = url;
  const open = new Set<Socket>();
  const held = Promise.withResolvers<void>();
  let queues = 0;
  const server = createServer((application) => {
    const redis = connect(Number(port), hostname);
    let asked = 0;
    application.on("data", (chunk) => {
      const before = asked;
      asked += [...chunk.toString("latin1").matchAll(info)].length;
      if (before < 2 && asked >= 2) {
        queues += 1;
        if (queues > 1) {
          held.resolve();
          application.removeAllListeners("data").resume();
          return;
        }
      }
      redis.write(chunk);
    });
    redis.pipe(application);
    for (const socket of [application, redis]) {
      open.add(socket);
      socket.on("error", () => socket.destroy());
      socket.on("close", () => {
        open.delete(socket);
        for (const other of [application, redis]) other.destroy();
      });
    }
  });
  server.listen(0, hostname);
  await once(server, "listening");
  const { port: ours } = server.address() as AddressInfo;
  url.port = `${ours}`;
  return {
    url: url.href,
    held: held.promise,
    async close() {
      server.close();
      for (const socket of open) socket.destroy();
      await once(server, "close");
    },
  };
}
