import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { OperationError, exitCodes } from "../operations/error.ts";
import { count } from "../operations/people/count.ts";
import { lines } from "../operations/progress-lines.ts";
import { silent } from "../operations/progress.ts";
import { stopSignal } from "../operations/stop-signal.ts";
import type { Context } from "../operations/verb.ts";
import { runtimes, type Runtime } from "../sandbox/supervisor/sandbox.ts";
import { benchDatabase } from "./database.ts";
import { benchDelivery } from "./delivery.ts";
import { scenarioNames, usualScenarios, type ScenarioName } from "./delivery/scenario.ts";
import { benchEngine } from "./engine.ts";
import type { Figure } from "./figure.ts";

/** What every bench takes. */
interface Output {
  readonly json: boolean;
}

const signal = stopSignal();
const program = new Command("affexai bench")
  .description("Measured claims, each beside a rival in the same run. Exits with 1 when a bound does not hold.")
  .showHelpAfterError()
  .exitOverride();

bench("database", "backup, restore and drill, beside pg_dump and pg_restore alone")
  .addOption(new Option("--sizes <list>", "gigabytes, with commas between").argParser(gigabytes).default([0.1], "0.1"))
  .addOption(new Option("--rounds <count>", "how often each is measured").argParser(count).default(3))
  .action(({ sizes, rounds, json }: Output & { sizes: readonly number[]; rounds: number }) =>
    measure("database", json, (context) => benchDatabase(context, { sizes, rounds })),
  );

bench("delivery", "what users lose while something happens, with our verbs and with bare Coolify")
  .addOption(
    new Option("--scenarios <list>", `those to play, with commas between, of ${scenarioNames.join(", ")}`)
      .argParser(scenarioList)
      .default(new Set(usualScenarios), "all but the fleet"),
  )
  .addOption(new Option("--runtime <name>", "what containers are").choices(runtimes).default("processes"))
  .action(({ scenarios, runtime, json }: Output & { scenarios: ReadonlySet<ScenarioName>; runtime: Runtime }) =>
    measure("delivery", json, (context) => benchDelivery(context, { wanted: scenarios, runtime })),
  );

bench("engine", "a preview of the unchanged stack, beside one of an empty program").action(({ json }: Output) =>
  measure("engine", json, benchEngine),
);

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = exitCodeOf(error);
}
// What a bench leaves open may not keep it from ending.
process.exit();

function bench(name: string, description: string): Command {
  return program.command(name).description(description).option("--json", "the figures as one JSON object", false);
}

async function measure(name: string, json: boolean, work: (context: Context) => Promise<Figure[]>): Promise<void> {
  const progress = json ? silent : lines((line) => process.stderr.write(`${line}\n`));
  const figures = await work({ env: process.env, signal, progress });
  if (json) process.stdout.write(`${JSON.stringify({ name, figures })}\n`);
  else {
    for (const { name: figure, value, unit, bound, ok } of figures) {
      process.stdout.write(`${ok ? "✓" : "✗"} ${figure}: ${value} ${unit}${bound === null ? "" : ` (${bound})`}\n`);
    }
  }
  process.exitCode = figures.every(({ ok }) => ok) ? exitCodes.ok : 1;
}

function exitCodeOf(error: unknown): number {
  // Commander has written what is wrong, and what would be right.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  if (signal.aborted) {
    process.stderr.write("✗ stopped half-way by a signal: what was measured so far is not reported.\n");
    return exitCodes.stopped;
  }
  if (error instanceof OperationError) {
    process.stderr.write(`✗ ${error.message}\n`);
    return exitCodes[error.kind];
  }
  throw error;
}

function gigabytes(list: string): number[] {
  const sizes = list.split(",").map(Number);
  if (!sizes.every((size) => size > 0)) throw new InvalidArgumentError("Give gigabytes with commas between: 0.1,1,5.");
  return sizes;
}

function scenarioList(list: string): ReadonlySet<ScenarioName> {
  const chosen = list.split(",");
  const unknown = chosen.filter((name) => !scenarioNames.some((known) => known === name));
  if (unknown.length > 0) {
    throw new InvalidArgumentError(
      `There is no ${unknown.join(", ")}. The scenarios are: ${scenarioNames.join(", ")}.`,
    );
  }
  return new Set(scenarioNames.filter((name) => chosen.includes(name)));
}
