import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { execa } from "execa";
import { ofThisMachine, provideTestTools } from "../sandbox/setup/test-tools.ts";
import type { Counts } from "./counts-reporter.ts";

// ./affexai test [kind...]: the checks and every suite, or the kinds named; at the end one table of what passed.

const root = resolve(import.meta.dirname, "..");
const checks = ["types", "lint", "format", "unused"];
const suites = ["unit", "integration", "scenarios"];

interface Result extends Counts {
  readonly kind: string;
  readonly seconds: number;
}

const kinds = process.argv.slice(2);
const known = ["check", ...suites];
if (kinds.includes("--help") || kinds.includes("-h")) {
  process.stdout.write(`Usage: affexai test [kind...]\n\nThe kinds are ${known.join(", ")}; none means all.\n`);
  process.exit();
}
const unknown = kinds.filter((kind) => !known.includes(kind));
if (unknown.length > 0) {
  process.stderr.write(
    `affexai test: unknown kind ${unknown.join(", ")}. The kinds are ${known.join(", ")}; none means all.\n`,
  );
  process.exit(2);
}

const results: Result[] = [];
const chosen = kinds.length === 0 ? known : kinds;
if (chosen.includes("integration")) await provideTestTools(await ofThisMachine());
for (const kind of chosen) {
  process.stdout.write(`\n== ${kind}\n`);
  const started = performance.now();
  const counts = kind === "check" ? await runChecks() : await runSuite(kind);
  results.push({ kind, ...counts, seconds: (performance.now() - started) / 1000 });
}
report(results);
process.exitCode = results.every(({ failed }) => failed === 0) ? 0 : 1;

async function runChecks(): Promise<Counts> {
  let passed = 0;
  for (const check of checks) {
    const { failed } = await execa("npm", ["run", "--silent", `check:${check}`], {
      cwd: root,
      stdio: ["ignore", "inherit", "inherit"],
      reject: false,
    });
    process.stdout.write(`  ${failed ? "✘" : "✔"} ${check}\n`);
    if (!failed) passed += 1;
  }
  return { passed, failed: checks.length - passed, pending: [] };
}

/** A suite that ended without counts (a crash, a kill) counts as one failure. */
async function runSuite(kind: string): Promise<Counts> {
  const folder = await mkdtemp(join(tmpdir(), "affexai-test-"));
  const file = join(folder, "counts.json");
  try {
    const { exitCode } = await execa(
      process.execPath,
      [
        join(root, "node_modules", "mocha", "bin", "mocha.js"),
        ...["--config", `tests/${kind}.mocharc.json`, "--reporter", "tests/counts-reporter.ts"],
      ],
      { cwd: root, stdio: ["ignore", "inherit", "inherit"], env: { AFFEXAI_TEST_COUNTS: file }, reject: false },
    );
    const written = await readFile(file, "utf8").catch(() => null);
    if (written === null) return { passed: 0, failed: 1, pending: [] };
    const counts = JSON.parse(written) as Counts;
    return { ...counts, failed: exitCode === 0 ? counts.failed : Math.max(counts.failed, 1) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function report(results: readonly Result[]): void {
  const row = (cells: readonly (string | number)[]) =>
    `${`${cells[0]}`.padEnd(12)}${cells
      .slice(1)
      .map((cell) => `${cell}`.padStart(9))
      .join("")}\n`;
  process.stdout.write(`\n${row(["", "passed", "failed", "pending", "time"])}`);
  for (const { kind, passed, failed, pending, seconds } of results) {
    process.stdout.write(row([kind, passed, failed, pending.length, duration(seconds)]));
  }
  const pending = results.flatMap((result) => result.pending);
  if (pending.length > 0) process.stdout.write(`\nNot run here:\n${pending.map((title) => `  ${title}\n`).join("")}`);
}

function duration(seconds: number): string {
  return `${Math.floor(seconds / 60)}:${`${Math.floor(seconds % 60)}`.padStart(2, "0")}`;
}
