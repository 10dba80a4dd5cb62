import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Context } from "../operations/verb.ts";
import { contextOf } from "../sandbox/demo/stage.ts";
import type { Runtime } from "../sandbox/supervisor/sandbox.ts";
import { sandboxDown } from "../sandbox/verbs/down.ts";
import { bareRelease, openBare, serveBare } from "./delivery/bare.ts";
import { crashingAfter, deriveImage, failing, lying, neverReady } from "./delivery/derived-image.ts";
import { figuresOf } from "./delivery/judge.ts";
import { other } from "./delivery/ours.ts";
import { picture } from "./delivery/picture.ts";
import { benchFolder, openBench, openPlatform, release, type Platform } from "./delivery/platform.ts";
import { fleetFigures } from "./delivery/fleet.ts";
import { requestFigures } from "./delivery/requests.ts";
import { rollbackFigures } from "./delivery/rollback-figures.ts";
import type { Row } from "./delivery/row.ts";
import { crashesAfterSeconds, type Field, type ScenarioName } from "./delivery/scenario.ts";
import { scenarios } from "./delivery/scenarios.ts";
import { releaseStack, rollBackStack } from "./delivery/stack.ts";
import { table } from "./delivery/table.ts";
import { atLeast, type Figure } from "./figure.ts";

const titles: Readonly<Record<string, string>> = {
  release: "release",
  rollback: "rollback",
  ...Object.fromEntries(scenarios.map(({ name, title }) => [name, title])),
};

/** What bare Coolify has a counterpart of. */
const hasBare: readonly ScenarioName[] = [
  ...(["release", "rollback"] as const),
  ...scenarios.filter(({ bare }) => bare !== undefined).map(({ name }) => name),
];

/**
 * What users lose while something happens, at 200 requests/s over connections that are kept alive, with requests of five seconds,
 * WebSockets and streams of events beside them: with our verbs, and with bare Coolify, in one run on one platform.
 */
export async function benchDelivery(
  context: Context,
  { wanted, runtime }: { wanted: ReadonlySet<ScenarioName>; runtime: Runtime },
): Promise<Figure[]> {
  const stage = await openBench(context, runtime);
  const rows: Row[] = [];
  const figures: Figure[] = [];
  const add = (row: Row) => {
    rows.push(row);
    const promised = scenarios.find(({ name }) => name === row.scenario)?.promised ?? true;
    figures.push(...figuresOf(row, { title: titles[row.scenario] ?? row.scenario, promised }));
    const { requests, sockets, streams, longRequests } = row.seen;
    const lost = [requests.failed, sockets.lost, streams.lost, longRequests.failed].join(", ");
    context.progress.note(
      `${row.scenario}, ${row.side}: ${row.outcome}; lost ${lost} (requests, sockets, event streams, long requests)`,
    );
    for (const problem of row.problems) context.progress.note(problem);
  };
  const play = async (name: ScenarioName, side: Row["side"], work: () => Promise<Row>) => {
    if (wanted.has(name)) await attempt(`${titles[name]}, ${side}`, async () => add(await work()));
  };
  /** What cannot be played to its end is a figure that does not hold, and the others are played all the same. */
  const attempt = async (title: string, work: () => Promise<void>) => {
    try {
      await context.progress.step(title, work);
    } catch (error) {
      context.signal.throwIfAborted();
      context.progress.note(error instanceof Error ? (error.stack ?? error.message) : String(error));
      figures.push(atLeast(`${title}: played to its end`, 0, "", 1));
    }
  };
  try {
    await context.progress.step("pulumi up release-1", (progress) => release(stage, 0, progress));
    if (!wanted.has("release")) {
      await context.progress.step("pulumi up release-2", (progress) => release(stage, 1, progress));
    }
    await play("release", "ours", () => releaseStack(stage));
    await play("rollback", "ours", async () => {
      const startedMs = Date.now();
      const { row, secondsToVerifiedDigest } = await rollBackStack(stage);
      figures.push(...(await rollbackFigures(stage, { startedMs, secondsToVerifiedDigest })));
      return row;
    });
    const platform = await openPlatform(stage, context.progress);
    const field: Field = { platform, bad: await context.progress.step("bad images", () => makeBad(platform)) };
    for (const { name, ours } of scenarios) {
      await play(name, "ours", () => ours(field));
      if (wanted.has(name) && name === "crash") await platform.apply(platform.moved(other(platform)));
    }
    if (hasBare.some((name) => wanted.has(name))) {
      await attempt("bare Coolify", () => playBare(field, context, { wanted, play }));
    }
    for (const [name, measure] of [
      ["requests", requestFigures],
      ["fleet", fleetFigures],
    ] as const) {
      if (wanted.has(name)) await attempt(name, async () => void figures.push(...(await measure(platform, context))));
    }
  } finally {
    await sandboxDown({ ...contextOf(stage, context.progress), signal: new AbortController().signal });
    if (rows.length > 0) await report(rows, benchFolder(runtime), context);
  }
  return figures;
}

async function playBare(
  field: Field,
  { progress }: Context,
  {
    wanted,
    play,
  }: {
    wanted: ReadonlySet<ScenarioName>;
    play: (name: ScenarioName, side: "bare", work: () => Promise<Row>) => Promise<void>;
  },
): Promise<void> {
  const [first, second] = field.platform.versions;
  const application = await progress.step("bare Coolify with release-1", (inner) => openBare(field.platform, inner));
  await play("release", "bare", () => bareRelease(field, application, "release", second));
  if (wanted.has("rollback") && !wanted.has("release")) await serveBare(application, second);
  await play("rollback", "bare", () => bareRelease(field, application, "rollback", first));
  for (const { name, bare } of scenarios) {
    if (bare === undefined || !wanted.has(name)) continue;
    await serveBare(application, first);
    await play(name, "bare", () => bare(field, application));
  }
  await application.remove();
}

async function makeBad({ stage, versions: [, { release, image }] }: Platform): Promise<Field["bad"]> {
  const auth = { username: stage.env.REGISTRY_USERNAME ?? "", password: stage.env.REGISTRY_PASSWORD ?? "" };
  const derived = async (script: string) => ({ release, image: await deriveImage(image, script, auth) });
  return {
    neverReady: await derived(neverReady),
    lying: await derived(lying),
    failing: await derived(failing),
    crashing: await derived(crashingAfter(crashesAfterSeconds)),
    missing: { release, image: image.replace(/@.*$/, `@sha256:${"0".repeat(64)}`) },
  };
}

/** Writes the picture and the rows, and says where they are. */
async function report(rows: readonly Row[], folder: string, { progress }: Context): Promise<void> {
  await mkdir(folder, { recursive: true });
  const page = join(folder, "delivery.html");
  const { platform: system, arch, version } = process;
  const title = `Delivery bench, ${new Date().toISOString()}, ${system} ${arch}, Node ${version}`;
  await writeFile(page, picture(title, rows, titles));
  await writeFile(join(folder, "delivery.json"), `${JSON.stringify({ title, rows }, null, 1)}\n`);
  progress.note(`\n${table(rows, titles)}\n`);
  progress.note(`Picture: ${pathToFileURL(page).href}`);
}
