import { parseArgs } from "node:util";
import { lines } from "../operations/progress-lines.ts";
import { silent } from "../operations/progress.ts";
import { stopSignal } from "../operations/stop-signal.ts";
import type { Context } from "../operations/verb.ts";
import { runtimes } from "../sandbox/supervisor/sandbox.ts";
import { benchDatabase } from "./database.ts";
import { benchDelivery } from "./delivery.ts";
import { scenarioNames, usualScenarios } from "./delivery/scenario.ts";
import { benchEngine } from "./engine.ts";
import type { Figure } from "./figure.ts";

// npm run bench -- database|delivery|engine [--json]: measured claims, each beside a rival in the same run. Exits 1 when a bound does not
// hold. The database's sizes in gigabytes: --sizes 0.1,1,5. Some of the delivery's scenarios: --scenarios release,rollback; on real
// containers behind a real Traefik: --runtime docker.

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: "boolean", default: false },
    sizes: { type: "string", default: "0.1" },
    scenarios: { type: "string", default: usualScenarios.join(",") },
    runtime: { type: "string", default: "processes" },
  },
});
const benches: Record<string, (context: Context) => Promise<Figure[]>> = {
  database: (context) => benchDatabase(context, values.sizes.split(",").map(Number)),
  delivery: (context) =>
    benchDelivery(context, { wanted: new Set(scenarioNames.filter((name) => chosen.includes(name))), runtime }),
  engine: benchEngine,
};
const { json } = values;
const [name = ""] = positionals;
const chosen = values.scenarios.split(",");
const runtime =
  runtimes.find((known) => known === values.runtime) ??
  refuse(`unknown runtime ${JSON.stringify(values.runtime)}. The runtimes are: ${runtimes.join(", ")}.`);
const bench = benches[name];
if (bench === undefined) {
  refuse(`unknown bench ${JSON.stringify(name)}. The benches are: ${Object.keys(benches).join(", ")}.`);
}
if (!values.sizes.split(",").every((size) => Number(size) > 0)) {
  refuse(`--sizes is ${JSON.stringify(values.sizes)}. Give gigabytes with commas between: 0.1,1,5.`);
}
const unknown = chosen.filter((scenario) => !scenarioNames.some((known) => known === scenario));
if (unknown.length > 0) {
  refuse(`unknown scenarios ${unknown.join(", ")}. The scenarios are: ${scenarioNames.join(", ")}.`);
}
const figures = await bench({
  env: process.env,
  signal: stopSignal(),
  progress: json ? silent : lines((line) => process.stderr.write(`${line}\n`)),
});
if (json) process.stdout.write(`${JSON.stringify({ name, figures })}\n`);
else {
  for (const { name: figure, value, unit, bound, ok } of figures) {
    process.stdout.write(`${ok ? "✓" : "✗"} ${figure}: ${value} ${unit}${bound === null ? "" : ` (${bound})`}\n`);
  }
}
process.exit(figures.every(({ ok }) => ok) ? 0 : 1);

function refuse(why: string): never {
  process.stderr.write(`bench: ${why}\n`);
  process.exit(2);
}
