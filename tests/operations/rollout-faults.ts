import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { mochaHooks } from "../clean-up.ts";
import type { Seen } from "./coolify/light-load.ts";
import {
  RolloutTrials,
  failuresIn,
  faults,
  steps,
  type FaultName,
  type Step,
  type Trial,
} from "./coolify/rollout-trial.ts";

// node tests/operations/rollout-faults.ts: plays every fault at a rollout of two replicas and writes docs/rollout-faults.md. Some ten
// minutes; the suite plays a few of the rows (coolify/rollout-faults.integration.test.ts). Exits 1 when one is not as it must be.

const file = resolve(import.meta.dirname, "..", "..", "docs", "rollout-faults.md");
const broken: string[] = [];
const trials = await RolloutTrials.open();

async function row(title: string, play: () => Promise<Trial>): Promise<string> {
  const [old, next] = trials.releases;
  const which = ({ releases }: Seen) =>
    [releases.includes(old) ? "old" : "", releases.includes(next) ? "new" : ""].filter((one) => one !== "").join(", ");
  process.stderr.write(`${title}: `);
  const trial = await play();
  const { first, before, during, after, wrong } = trial;
  const lost = [
    ...failuresIn("before", before),
    ...failuresIn("during", during),
    ...failuresIn("after", after),
    ...wrong,
  ];
  if (lost.length > 0) broken.push(`${title}: ${lost.join("; ")}`);
  const sent = before.sent + during.sent + after.sent;
  const failed = [before, during, after].flatMap(({ failures }) => Object.values(failures)).reduce((a, b) => a + b, 0);
  const served = [before, during, after].map(which).join(" | ");
  const line = `| ${title} | ${first.replaceAll("|", "\\|")} | ${served} | ${failed} of ${sent} | ${wrong.length === 0 ? "converged" : `**${wrong.join("; ")}**`} |`;
  process.stderr.write(`${line}\n`);
  return line;
}

const head = (what: string) =>
  `| ${what} | the run | before | during | until the next run | failed | the next run |\n| --- | --- | --- | --- | --- | --- | --- |`;
const ofFaults: string[] = [];
const ofKills: string[] = [];
try {
  for (const name of Object.keys(faults) as FaultName[]) ofFaults.push(await row(name, () => trials.tryFault(name)));
  for (const replica of [1, 2] as const) {
    for (const step of Object.keys(steps) as Step[]) {
      ofKills.push(await row(`replica ${replica}, ${step}`, () => trials.tryKill(replica, step)));
    }
  }
} finally {
  await trials.close();
  await mochaHooks.afterAll();
}

await writeFile(
  file,
  `# What becomes of a rollout that meets a fault

Measured, not written: \`node tests/operations/rollout-faults.ts && npx prettier --write docs/rollout-faults.md\` makes this page. Each row
is a rollout of two replicas from an old release to a new one, through the proxy under some 40 requests a second over kept connections that are never repeated.
Faults are played when the second replica's turn has come, so the first one has moved. Then the same rollout is run again, without the fault.
\`old\` and \`new\` say which releases answered; failed is every connection error, 404 and 5xx. \`converged\`: the next run passed and lost
nothing, only the new release answers after it, both replicas carry its revision, and a third run finds nothing to do in four
requests${broken.length === 0 ? "" : `; except:\n\n${broken.map((one) => `- ${one}`).join("\n")}\n\n(end of the exceptions)`}.

## Faults of Coolify, and other people

${head("fault")}
${ofFaults.join("\n")}

## kill -9 of the verb

The process is killed when the request of this step leaves; the request itself arrives.

${head("at the step")}
${ofKills.join("\n")}
`,
);
process.exit(broken.length === 0 ? 0 : 1);
