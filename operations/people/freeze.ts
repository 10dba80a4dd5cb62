import { InvalidArgumentError, type Command } from "commander";
import type { FreezeStatus } from "../database/freeze-verbs.ts";
import { onStack } from "../stack.ts";
import { noun, type Surroundings } from "./surroundings.ts";

interface Options {
  stack: string;
  json?: boolean;
}

/** `affexai freeze on|off|status`. */
export function addFreezeVerbs(program: Command, { watched, write }: Surroundings): void {
  const freeze = noun(program, "freeze", "the application's writes: frozen, or let through");
  const verb = (name: string, description: string) =>
    freeze
      .command(name)
      .description(description)
      .requiredOption("--stack <name>", "whose application")
      .option("--json", "the result as one JSON object");
  const say = (result: FreezeStatus, json = false) => write(json ? JSON.stringify(result) : describe(result));

  verb("on", "the application reads on and cannot write, until `off` or for so long")
    .option("--minutes <n>", "the agent lifts it after this long, and pages", minutes, 60)
    .action(async ({ stack, json, minutes: long }: Options & { minutes: number }) => {
      const { freezeOn } = await import("../database/freeze-verbs.ts");
      const result = await watched(json === true, (context) =>
        onStack(stack, context, ({ targets }, reached) =>
          freezeOn.run({ app: targets.roles.app, minutes: long, maintenance: targets.maintenance }, reached),
        ),
      );
      say(result, json);
    });

  verb("off", "the application writes again, whoever froze it").action(async ({ stack, json }: Options) => {
    const { freezeOff } = await import("../database/freeze-verbs.ts");
    const result = await watched(json === true, (context) =>
      onStack(stack, context, ({ targets }, reached) =>
        freezeOff.run({ app: targets.roles.app, maintenance: targets.maintenance }, reached),
      ),
    );
    say(result, json);
  });

  verb("status", "whether it can write now, and until when not").action(async ({ stack, json }: Options) => {
    const { freezeStatus } = await import("../database/freeze-verbs.ts");
    const result = await watched(json === true, (context) =>
      onStack(stack, context, ({ targets }, reached) => freezeStatus.run({ app: targets.roles.app }, reached)),
    );
    say(result, json);
  });
}

function describe({ frozen, since, leaseUntil, release }: FreezeStatus): string {
  if (!frozen) return "not frozen: the application writes";
  const whom = release === null ? "by hand" : `for release ${release}`;
  return leaseUntil === null
    ? "frozen, by somebody who left no lease: only `affexai freeze off` lifts it"
    : `frozen since ${since ?? "just now"} ${whom}, until ${leaseUntil} at the latest`;
}

function minutes(text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0 && value <= 1440) return value;
  throw new InvalidArgumentError("must be minutes, more than 0 and at most 1440.");
}
