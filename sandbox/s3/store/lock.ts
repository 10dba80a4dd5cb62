/** Runs work on one name after another, and work on different names at the same time. */
export class NamedLock {
  readonly #tails = new Map<string, Promise<void>>();

  async hold<T>(name: string, work: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(name) ?? Promise.resolve();
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    const tail = before.then(() => ended);
    this.#tails.set(name, tail);
    await before;
    try {
      return await work();
    } finally {
      end();
      if (this.#tails.get(name) === tail) this.#tails.delete(name);
    }
  }
}
