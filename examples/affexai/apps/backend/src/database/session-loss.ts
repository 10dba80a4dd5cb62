import type { EventEmitter } from "node:events";

/**
 * Lets the process outlive the loss of a session in the moment in which the pool made it. Between the pool's listener and TypeORM's a client
 * has none (pg-pool 3.14, TypeORM 1.1), and an error event that nobody hears ends the process. PostgreSQL ends sessions at that moment
 * when a restored database is swapped in. The loss is not hidden: the next query on the session fails, and the pool drops it.
 */
export function outliveItsSession(client: EventEmitter): void {
  client.on("error", () => undefined);
}
