/** Work that Coolify does after it has answered: stopping, deleting, starting databases. One piece at a time for each resource. */
export class Background {
  readonly #running = new Map<string, Promise<void>>();
  readonly #report: (error: unknown, name: string) => void;

  /** `report` is told of work that failed; a failure never ends the server. */
  constructor(report: (error: unknown, name: string) => void) {
    this.#report = report;
  }

  /** Starts the work after what already runs under the same name. */
  start(name: string, work: () => Promise<void>): void {
    const before = this.#running.get(name) ?? Promise.resolve();
    const run = before.then(work).catch((error: unknown) => this.#report(error, name));
    this.#running.set(name, run);
    void run.then(() => {
      if (this.#running.get(name) === run) this.#running.delete(name);
    });
  }

  /** True while work of that name runs or waits. */
  busy(name: string): boolean {
    return this.#running.has(name);
  }

  /** Resolves when nothing is left. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running.values());
  }
}
