import { writeFileSync } from "node:fs";
import Mocha from "mocha";

/** What one run of mocha came to. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  /** Titles of the tests that did not run here. */
  readonly pending: readonly string[];
}

const leftOpenSeconds = 30;

/** Mocha's usual report, and its counts as JSON in the file that AFFEXAI_TEST_COUNTS names. */
export default class CountsReporter {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    new Mocha.reporters.Spec(runner, options);
    const pending: string[] = [];
    runner.on("pending", (test) => pending.push(test.fullTitle()));
    runner.once("end", () => {
      const file = process.env["AFFEXAI_TEST_COUNTS"];
      const counts: Counts = { passed: runner.stats?.passes ?? 0, failed: runner.stats?.failures ?? 0, pending };
      if (file !== undefined) writeFileSync(file, JSON.stringify(counts));
      // A test that failed may have left a server open, for which the process would wait for ever.
      setTimeout(() => {
        const open = process.getActiveResourcesInfo().join(", ");
        process.stderr.write(`The tests are over, and ${leftOpenSeconds} s later this was still open: ${open}.\n`);
        process.exit(1);
      }, leftOpenSeconds * 1000).unref();
    });
  }
}
