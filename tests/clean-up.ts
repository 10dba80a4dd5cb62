const owed: (() => Promise<unknown>)[] = [];

/**
 * Has `work` done when the tests are over: for what several files share. Run in parallel that is the end of each file, so whatever is
 * shared has to be made anew when it is asked for again.
 */
export function cleanUpLater(work: () => Promise<unknown>): void {
  owed.push(work);
}

/** Mocha's root hooks: https://mochajs.org/#root-hook-plugins. A hook beside a shared helper would belong to the first file that imports it. */
export const mochaHooks = {
  async afterAll(): Promise<void> {
    for (const work of owed.splice(0).reverse()) await work();
  },
};
