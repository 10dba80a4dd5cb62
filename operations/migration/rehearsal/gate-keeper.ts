import type pg from "pg";

/** Any number: the gates' advisory locks are in a database that one rehearsal has for itself. */
export const gateKey = 7_207_283;

/**
 * Gates that a script in an image stops at: advisory locks, numbered from 1, the next two of which are always held here. They open with
 * this connection's end, so that a script never waits for a process that is gone.
 */
export class GateKeeper {
  readonly #client: pg.Client;

  constructor(client: pg.Client) {
    this.#client = client;
  }

  async close(): Promise<void> {
    await this.#lock(1);
    await this.#lock(2);
  }

  /** Lets the script pass one; it will stop at the next. */
  async open(gate: number): Promise<void> {
    await this.#lock(gate + 2);
    await this.#client.query("SELECT pg_advisory_unlock($1, $2)", [gateKey, gate]);
  }

  async #lock(gate: number): Promise<void> {
    await this.#client.query("SELECT pg_advisory_lock($1, $2)", [gateKey, gate]);
  }
}
