import { join } from "node:path";
import { z } from "zod";
import { run } from "../operations/process.ts";
import type { Context } from "../operations/verb.ts";
import { longestOutage } from "./database/outage.ts";
import { bucket, fill, withPlace, type Place } from "./database/place.ts";
import { atMost, median, reported, type Figure } from "./figure.ts";

const limitMs = 3_600_000;
const target = { bucket, environment: "bench" };

interface DatabaseOptions {
  /** Gigabytes. */
  readonly sizes: readonly number[];
  /** Of each, after one that fills caches and does not count. */
  readonly rounds: number;
}

/**
 * Dump, restore and drill of databases of several sizes, in turn with PostgreSQL's own programs on the same server. Times are without
 * the start of Node.
 */
export async function benchDatabase(context: Context, { sizes, rounds }: DatabaseOptions): Promise<Figure[]> {
  return withPlace(context.signal, async (place) => {
    const figures: Figure[] = [];
    for (const size of sizes) figures.push(...(await measure(place, { size, rounds }, context)));
    return figures;
  });
}

type Measured = Record<"create" | "restore" | "verify" | "drill", { seconds: number[]; mebibytes: number[] }>;

async function measure(
  place: Place,
  { size, rounds }: { size: number; rounds: number },
  { progress, signal }: Context,
): Promise<Figure[]> {
  const database = `bench_${size}`.replace(".", "_");
  const label = `${size} GB`;
  const bytes = await progress.step(`fill ${label}`, () => fill(place, database, size));
  const ours: Measured = { create: none(), restore: none(), verify: none(), drill: none() };
  const rivals = { dump: [] as number[], "fastest dump": [] as number[], restore: [] as number[] };
  const [outages, recoveries]: [number[], number[]] = [[], []];
  const verb = async (name: keyof Measured, spec: object, keep: boolean) => {
    const measured = await runVerb(place, database, name, spec, signal);
    progress.note(`${label}, ${name}: ${measured.seconds.toFixed(1)} s, ${measured.mebibytes.toFixed(0)} MiB`);
    if (keep) ours[name].seconds.push(measured.seconds);
    ours[name].mebibytes.push(measured.mebibytes);
    return measured;
  };
  const rival = async (name: keyof typeof rivals, keep: boolean, work: () => Promise<unknown>) => {
    const began = performance.now();
    await work();
    const seconds = (performance.now() - began) / 1000;
    progress.note(`${label}, PostgreSQL's own ${name}: ${seconds.toFixed(1)} s`);
    if (keep) rivals[name].push(seconds);
  };
  const file = join(place.dir, `${database}.dump`);
  await program(place, database, "pg_dump", ["--format=custom", "--compress=1", `--file=${file}`], signal);
  const away = ["--format=custom", "--no-sync", "--file=/dev/null"];
  for (let round = 0; round <= rounds; round += 1) {
    const keep = round > 0;
    await rival("dump", keep, () => program(place, database, "pg_dump", away, signal));
    await rival("fastest dump", keep, () => program(place, database, "pg_dump", [...away, "--compress=1"], signal));
    await verb("create", { ...target, reason: "manual" }, keep);
    await place.sql("postgres", "CREATE DATABASE rival OWNER bench_migrator TEMPLATE template0");
    await rival("restore", keep, () =>
      program(place, "rival", "pg_restore", ["--exit-on-error", "--dbname=rival", file], signal),
    );
    await place.sql("postgres", "DROP DATABASE rival WITH (FORCE)");
    const { outageMs, value } = await longestOutage(place.env(database).APP_DATABASE_URL ?? "", () =>
      verb("restore", { ...target, dryRun: false, app: "bench_app" }, keep),
    );
    const { kept } = z.object({ kept: z.string() }).parse(value.result);
    await place.sql("postgres", `DROP DATABASE ${kept}`);
    progress.note(`${label}, outage at the swap: ${outageMs.toFixed(0)} ms`);
    if (keep) outages.push(outageMs);
    await verb("verify", target, keep);
    const drill = await verb("drill", target, keep);
    if (keep) recoveries.push(z.object({ rtoSeconds: z.number() }).parse(drill.result).rtoSeconds);
  }
  await place.sql("postgres", `DROP DATABASE ${database} WITH (FORCE)`);
  const middle = (name: keyof Measured) => median(ours[name].seconds);
  const [dump, fastest, restore] = [median(rivals.dump), median(rivals["fastest dump"]), median(rivals.restore)];
  return [
    reported(`${label}: size of the database`, bytes / 1e9, "GB"),
    reported(`${label}: pg_dump -Fc to /dev/null, median`, dump, "s"),
    reported(`${label}: the same with its fastest compression, -Z1, median`, fastest, "s"),
    reported(`${label}: backup with manifest, streamed, median`, middle("create"), "s"),
    atMost(`${label}: backup against pg_dump -Fc`, middle("create") / dump, "times", 1.15),
    reported(`${label}: backup against pg_dump -Fc -Z1`, middle("create") / fastest, "times"),
    reported(`${label}: pg_restore alone, median`, restore, "s"),
    reported(`${label}: restore beside and verification, in a drill, median`, median(recoveries), "s"),
    atMost(`${label}: restore and verification against pg_restore`, median(recoveries) / restore, "times", 1.25),
    reported(`${label}: restore with swap, while a client connects again and again, median`, middle("restore"), "s"),
    atMost(`${label}: outage at the swap, longest`, Math.max(...outages), "ms", 1000),
    reported(`${label}: backup verify, median`, middle("verify"), "s"),
    reported(`${label}: drill with all around it, median`, middle("drill"), "s"),
    ...(["create", "restore", "verify", "drill"] as const).map((name) =>
      atMost(`${label}: memory of ${name}, largest`, Math.max(...ours[name].mebibytes), "MiB", 256),
    ),
  ];
}

function none(): { seconds: number[]; mebibytes: number[] } {
  return { seconds: [], mebibytes: [] };
}

const Output = z.strictObject({ seconds: z.number(), mebibytes: z.number(), result: z.unknown() });

async function runVerb(place: Place, database: string, verb: string, spec: object, signal: AbortSignal) {
  const { stdout } = await run({
    file: process.execPath,
    arguments: [new URL("database/verb-child.ts", import.meta.url).pathname],
    input: JSON.stringify({ verb, spec, env: place.env(database) }),
    timeoutMs: limitMs,
    signal,
  });
  return Output.parse(JSON.parse(stdout));
}

async function program(place: Place, database: string, file: string, args: string[], signal: AbortSignal) {
  await run({
    file,
    arguments: args,
    env: {
      ...{ PGHOST: place.host, PGPORT: `${place.port}`, PGDATABASE: database },
      ...{ PGUSER: "postgres", PGPASSWORD: place.adminPassword },
    },
    timeoutMs: limitMs,
    signal,
  });
}
