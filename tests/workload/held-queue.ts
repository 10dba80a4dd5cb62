import { type Between, standBetween } from "./stand-between.ts";

export interface HeldQueue extends Between {
  /** Resolves when a worker of BullMQ waits for an answer. */
  readonly held: Promise<void>;
}

/** As a command of RESP, the protocol of Redis. */
const info = /\$4\r\ninfo\r\n/gi;

/**
 * Stands between an application and Redis, and lets no worker of BullMQ get to the end of connecting: on each of its connections ioredis asks
 * for INFO until the server is ready, and BullMQ once more for the version. That second one is answered on the first such connection, the queue's
 * own, and on none after it.
 */
export async function heldQueue(redisUrl: string): Promise<HeldQueue> {
  const held = Promise.withResolvers<void>();
  let queues = 0;
  const between = await standBetween(redisUrl, (application, redis) => {
    let [asked, isHeld] = [0, false];
    application.on("data", (chunk) => {
      const before = asked;
      asked += [...chunk.toString("latin1").matchAll(info)].length;
      if (before < 2 && asked >= 2) {
        queues += 1;
        isHeld = queues > 1;
      }
      if (isHeld) held.resolve();
      else redis.write(chunk);
    });
    redis.pipe(application);
  });
  return { ...between, held: held.promise };
}
