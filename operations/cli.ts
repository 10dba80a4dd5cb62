#!/usr/bin/env node
import { text } from "node:stream/consumers";
import { z } from "zod";
import { throughTunnel } from "./database/reach.ts";
import { OperationError, exitCodes } from "./error.ts";
import { lines } from "./progress-lines.ts";
import { silent, type Progress } from "./progress.ts";
import { redactor } from "./redact.ts";
import { resourceVerbs } from "./resource-verbs.ts";
import { stopSignal } from "./stop-signal.ts";
import type { Context } from "./verb.ts";

const redact = redactor(process.env);
const signal = stopSignal();

/** Runs `work` with the progress that suits where it is watched: a terminal, a log, or a program. */
async function watched<T>(json: boolean, work: (context: Context) => Promise<T>): Promise<T> {
  const context = (progress: Progress): Context => ({ env: process.env, progress, signal });
  if (json) return work(context(silent));
  if (!process.stderr.isTTY || process.env.CI)
    return work(context(lines((line) => process.stderr.write(`${redact(line)}\n`))));
  const { liveTree } = await import("./progress-tree.ts");
  const tree = liveTree(process.stderr);
  try {
    return await work(context(tree.progress));
  } finally {
    tree.end();
  }
}

/** What a command resource runs: a spec on stdin, one JSON line on stdout. */
async function runResourceVerb(noun: string, name: string): Promise<void> {
  const verb = await resourceVerbs[noun]?.[name]?.();
  if (verb === undefined) throw new Error(`${noun} ${name} is not in the table of verbs`);
  const spec = verb.spec.safeParse(parseSpec(await text(process.stdin), `${noun} ${name}`));
  if (!spec.success) {
    throw new OperationError("usage", {
      where: `the spec of ${noun} ${name}`,
      what: `\n${z.prettifyError(spec.error)}\n`,
      next: "Correct what is listed; nothing was touched.",
    });
  }
  const result = await watched(false, (context) => throughTunnel(context, (reached) => verb.run(spec.data, reached)));
  process.stdout.write(`${JSON.stringify(verb.result.parse(result))}\n`);
}

function parseSpec(input: string, verb: string): unknown {
  try {
    return JSON.parse(input);
  } catch (error) {
    throw new OperationError(
      "usage",
      { where: `the spec of ${verb}`, what: "is not JSON.", next: "Give the spec as one JSON object on stdin." },
      { cause: error },
    );
  }
}

/** Loaded on demand, because a command resource starts a process for each of its verbs and needs none of this. */
async function runPeopleVerb(argv: readonly string[]): Promise<number> {
  const [{ CommanderError }, { peopleVerbs }] = await Promise.all([import("commander"), import("./people-verbs.ts")]);
  try {
    await peopleVerbs({ watched, write: (out) => process.stdout.write(`${redact(out)}\n`) }).parseAsync(argv, {
      from: "user",
    });
    return exitCodes.ok;
  } catch (error) {
    // Commander has written what is wrong, and what would be right.
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    throw error;
  }
}

async function main(argv: readonly string[]): Promise<number> {
  const [noun = "", verb = ""] = argv;
  try {
    if (argv.length === 2 && resourceVerbs[noun]?.[verb] !== undefined) await runResourceVerb(noun, verb);
    else return await runPeopleVerb(argv);
    return exitCodes.ok;
  } catch (error) {
    if (error instanceof OperationError) {
      process.stderr.write(`${redact(`✗ ${error.message}`)}\n`);
      return exitCodes[error.kind];
    }
    if (signal.aborted) {
      process.stderr.write("✗ stopped half-way by a signal. The same command goes on from where it stood.\n");
      return exitCodes.stopped;
    }
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.stderr.write(`${redact(`✗ a bug in affexai: ${detail}`)}\n`);
    return exitCodes.bug;
  }
}

process.exit(await main(process.argv.slice(2)));
