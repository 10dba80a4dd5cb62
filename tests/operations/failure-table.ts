import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { mochaHooks } from "../clean-up.ts";
import { faults, steps, tryFault, type FaultName, type Kind } from "./database/support/fault-trial.ts";

// node tests/operations/failure-table.ts: plays every fault at every step of a guarded migration and of a restore, and writes docs/failure-table.md. Some
// twenty minutes; the suite plays a few of the cells (faults.integration.test.ts). Exits 1 when one is not as it must be.

const file = resolve(import.meta.dirname, "..", "..", "docs", "failure-table.md");
const names = Object.keys(faults).filter((name): name is FaultName => name in faults);
const broken: string[] = [];

async function cell(kind: Kind, step: string, fault: FaultName): Promise<string> {
  process.stderr.write(`${kind}, ${step.trim()}, ${fault}: `);
  const text = await tryFault(kind, step, fault).then(
    ({ first, second, state, leftovers }) => {
      const wrong = state === "neither" || leftovers.length > 0;
      if (wrong) broken.push(`${step.trim()}, ${fault}: ${[state, ...leftovers].join("; ")}`);
      return `${wrong ? "**BROKEN** " : ""}${first}, then ${second}: ${state}`;
    },
    (error: unknown) => {
      broken.push(`${step.trim()}, ${fault}: ${String(error)}`);
      return "**BROKEN**";
    },
  );
  process.stderr.write(`${text}\n`);
  return text;
}

const sections: string[] = [];
for (const [kind, title] of [
  ["well", "A release that goes well"],
  ["entry", "Its ledger entry, which lets the application write again"],
  ["back", "A release whose second migration fails after the first was committed"],
  ["reverted", "The same release, where the first migration's down is proven"],
  ["restore", "A restore that somebody asks for"],
] as const) {
  const rows: string[] = [];
  for (const step of steps[kind]) {
    const cells: string[] = [];
    for (const fault of names) cells.push(await cell(kind, step, fault));
    rows.push(`| ${step.trim().replace(/:$/, "")} | ${cells.join(" | ")} |`);
  }
  sections.push(
    `## ${title}\n\n| at the step | ${names.join(" | ")} |\n| --- | ${names.map(() => "---").join(" | ")} |\n${rows.join("\n")}\n`,
  );
}
await mochaHooks.afterAll();

await writeFile(
  file,
  `# What becomes of a guarded migration, or a restore, that meets a fault

Measured, not written: \`node tests/operations/failure-table.ts && npx prettier --write docs/failure-table.md\` makes this page. Each cell is a
release in maintenance, or a restore, on a database of its own. The fault is played when the step begins; the run ends as it can; then the same is
run again, without the fault. A cell says how the first run ended, how the second did (and what the journal calls it), and what the database
is like afterwards: \`as before\`, or \`migrated\` as the same release makes it where nothing happens, both by the schema's fingerprint and the
hash of every table (of TypeORM's history by what its rows say: their ids skip numbers when a server dies). In every cell the application writes again, no run is open, and no session and no half restored database is left${broken.length === 0 ? "" : `, except:\n\n${broken.map((one) => `- ${one}`).join("\n")}\n\n(end of the exceptions)`}.

- **tool killed**: kill -9 of our process. What it started lives on until the next run ends it.
- **backend killed**: kill -9 of a server process of the run: PostgreSQL ends every session and recovers from its log.
- **server restarted**: PostgreSQL is stopped, which ends every session, and started again.
- **storage cut off**: every request to the bucket is cut, until the first run has ended.
- **supervisor killed**: kill -9 of our process and of PostgreSQL's own at once, as when a machine goes; PostgreSQL is started again.

${sections.join("\n")}`,
);
process.exit(broken.length === 0 ? 0 : 1);
