import { Command } from "commander";
import type { Context } from "./verb.ts";

/** What the CLI lends to the verbs that people run. */
export interface Surroundings {
  watched<T>(json: boolean, work: (context: Context) => Promise<T>): Promise<T>;
  /** Writes to stdout, with a line end. */
  write(text: string): void;
}

/** The verbs that people and CI run, each loaded when it is called. Unknown verbs and options list the right ones. */
export function peopleVerbs({ watched, write }: Surroundings): Command {
  const program = new Command("affexai")
    .description("Delivers Affexai to Coolify: releases, guarded migrations, honest rollbacks.")
    .showHelpAfterError()
    .exitOverride();

  const noun = (name: string, description: string) =>
    program.command(name).description(description).showHelpAfterError().exitOverride();
  const print = (json: boolean | undefined, value: unknown, people: string) =>
    write(json === true ? JSON.stringify(value) : people);

  const sandbox = noun("sandbox", "the embedded platform: everything on loopback ports");
  sandbox
    .command("up")
    .description("start it, or say what runs already")
    .action(async () => {
      const { sandboxUp } = await import("./sandbox-verbs.ts");
      await watched(false, (context) => sandboxUp(context));
    });
  sandbox
    .command("down")
    .description("stop it; its data stays in .sandbox")
    .action(async () => {
      const { sandboxDown } = await import("./sandbox-verbs.ts");
      await watched(false, (context) => sandboxDown(context));
    });
  sandbox
    .command("status")
    .description("services, addresses, containers")
    .option("--json", "as one JSON object")
    .action(async ({ json }: { json?: boolean }) => {
      const { sandboxStatus } = await import("./sandbox-verbs.ts");
      const { value, people } = await sandboxStatus();
      print(json, value, people);
    });
  sandbox
    .command("env")
    .description('shell exports: eval "$(./affexai sandbox env)" makes plain pulumi work against the sandbox')
    .action(async () => {
      const { sandboxExports } = await import("./sandbox-verbs.ts");
      write(await sandboxExports());
    });

  program
    .command("demo")
    .description("release, gate, roll back: the whole story on the embedded platform, each claim checked")
    .option("--keep", "leave it running afterwards")
    .option("--json", "the claims as one JSON object on the last line of stdout")
    .action(async (options: { keep?: boolean; json?: boolean }) => {
      const { runDemo } = await import("./sandbox-verbs.ts");
      const { value, people, ok } = await watched(options.json === true, (context) => runDemo(options, context));
      print(options.json, value, people);
      if (!ok) throw new ClaimsFailed();
    });

  return program;
}
