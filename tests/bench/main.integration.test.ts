import assert from "node:assert/strict";
import { join } from "node:path";
import { execa } from "execa";

const root = join(import.meta.dirname, "..", "..");

/** Runs a program of this repository with arguments that it must answer before it does anything. */
async function ask(program: string, ...args: string[]): Promise<{ exitCode: number | undefined; said: string }> {
  const { exitCode, all } = await execa(process.execPath, [join(root, program), ...args], { all: true, reject: false });
  return { exitCode, said: all.replaceAll(/\s+/g, " ") };
}

describe("the command line of the benches", () => {
  it("explains itself", async () => {
    const { exitCode, said } = await ask("bench/main.ts", "delivery", "--help");
    assert.equal(exitCode, 0);
    assert.match(said, /--scenarios <list> those to play, with commas between, of release, rollback, labels/);
  });

  it("answers what is wrong with what would be right", async () => {
    const bench = await ask("bench/main.ts", "speed");
    assert.equal(bench.exitCode, 2);
    assert.match(bench.said, /^error: unknown command 'speed' .* database .* delivery .* engine /);

    const scenario = await ask("bench/main.ts", "delivery", "--scenarios", "release,nothing");
    assert.equal(scenario.exitCode, 2);
    assert.match(scenario.said, /There is no nothing\. The scenarios are: release, rollback, /);

    const size = await ask("bench/main.ts", "database", "--sizes", "1,none");
    assert.equal(size.exitCode, 2);
    assert.match(size.said, /Give gigabytes with commas between: 0\.1,1,5\./);
  });
});

describe("the command line of the tests", () => {
  it("explains itself, and answers what is wrong with what would be right", async () => {
    const usage = "The kinds are check, unit, integration, scenarios; none means all.";
    const help = await ask("tests/run.ts", "--help");
    assert.deepEqual(help, { exitCode: 0, said: `Usage: affexai test [kind...] ${usage} `.trim() });
    const wrong = await ask("tests/run.ts", "everything");
    assert.deepEqual(wrong, { exitCode: 2, said: `affexai test: unknown kind everything. ${usage}` });
  });
});
