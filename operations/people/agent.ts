import type { Command } from "commander";
import { OperationError } from "../error.ts";
import type { Context } from "../verb.ts";
import type { Surroundings } from "./surroundings.ts";

/** `affexai agent` and `affexai serve`, which are containers' own commands. */
export function addAgentVerbs(program: Command, { watched, write }: Surroundings): void {
  // The agent's log goes to stdout, and everything that it does is in there.
  const agent = (context: Context) => serveAgent(context, write);
  program
    .command("agent")
    .description("keep an environment's backups: schedule, drills, pruning, metrics; told by environment variables")
    .action(() => watched(true, agent));

  program
    .command("serve")
    .description("what the tools image runs: AFFEXAI_SERVE is agent or maintenance")
    .action(() =>
      watched(true, async (context) => {
        const what = context.env.AFFEXAI_SERVE ?? "";
        if (what === "agent") return agent(context);
        if (what !== "maintenance") {
          throw new OperationError("usage", {
            where: "AFFEXAI_SERVE",
            what: `is ${what === "" ? "not set" : `"${what}"`}.`,
            next: "Set it to agent or maintenance.",
          });
        }
        const { serveMaintenance } = await import("../maintenance/server.ts");
        await serveMaintenance(context);
      }),
    );
}

async function serveAgent(context: Context, write: (line: string) => void): Promise<void> {
  const [{ runAgent }, { systemClock }, { realWork }, { readAgentSettings }] = await Promise.all([
    import("../agent/agent.ts"),
    import("../agent/clock.ts"),
    import("../agent/work.ts"),
    import("../agent/settings.ts"),
  ]);
  await runAgent(context, { work: realWork(readAgentSettings(context.env)), clock: systemClock, write });
}
