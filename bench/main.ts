import { parseArgs } from "node:util";
import { lines } from "../operations/progress-lines.ts";
import { silent } from "../operations/progress.ts";
import type { Context } from "../operations/verb.ts";
import { benchDatabase } from "./database.ts";
import { benchEngine } from "./engine.ts";
import type { Figure } from "./figure.ts";

// npm run bench -- database|engine [--json]: measured claims, each beside a rival in the same run. Exits 1 when a bound does not hold.
// The database's sizes in gigabytes: --sizes 0.1,1,5.

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: "boolean", default: false }, sizes: { type: "string", default: "0.1" } },
});
const benches: Record<string, (context: Context) => Promise<Figure[]>> = {
  database: (context) => benchDatabase(context, values.sizes.split(",").map(Number)),
  engine: benchEngine,
};
const { json } = values;
const [name = ""] = positionals;
const bench = benches[name];
if (bench === undefined) {
  process.stderr.write(
    `bench: unknown bench ${JSON.stringify(name)}. The benches are: ${Object.keys(benches).join(", ")}.\n`,
  );
  process.exit(2);
}
if (!values.sizes.split(",").every((size) => Number(size) > 0)) {
  process.stderr.write(
    `bench: --sizes is ${JSON.stringify(values.sizes)}. Give gigabytes with commas between: 0.1,1,5.\n`,
  );
  process.exit(2);
}
const controller = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => controller.abort(new Error(signal)));
const figures = await bench({
  env: process.env,
  signal: controller.signal,
  progress: json ? silent : lines((line) => process.stderr.write(`${line}\n`)),
});
if (json) process.stdout.write(`${JSON.stringify({ name, figures })}\n`);
else {
  for (const { name: figure, value, unit, bound, ok } of figures) {
    process.stdout.write(`${ok ? "✓" : "✗"} ${figure}: ${value} ${unit}${bound === null ? "" : ` (${bound})`}\n`);
  }
}
process.exit(figures.every(({ ok }) => ok) ? 0 : 1);
