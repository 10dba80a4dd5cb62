import { OperationError } from "../error.ts";
import { readStack } from "../stack.ts";
import type { Command } from "commander";
import { noun, type Surroundings } from "./surroundings.ts";

/** `affexai maintenance on|off|serve`. */
export function addMaintenanceVerbs(program: Command, { watched, write }: Surroundings): void {
  const maintenance = noun(program, "maintenance", "answer 503 with Retry-After in place of the applications");
  for (const state of ["on", "off"] as const) {
    maintenance
      .command(state)
      .description(
        state === "on" ? "start it, and wait until users see it" : "stop it, and wait until users see the site",
      )
      .requiredOption("--stack <name>", "whose site")
      .action(async ({ stack }: { stack: string }) => {
        const { setMaintenance } = await import("../coolify/maintenance.ts");
        const url = await watched(false, async (context) => {
          const { targets } = await readStack(stack, context);
          if (targets.maintenance === undefined) throw withoutMaintenance(stack);
          await setMaintenance(targets.maintenance, state, context);
          return targets.maintenance.url;
        });
        write(`${url} is ${state === "on" ? "under maintenance" : "out of maintenance"}`);
      });
  }
  maintenance
    .command("serve")
    .description("the maintenance application itself: PORT, RETRY_AFTER_SECONDS")
    .action(async () => {
      const { serveMaintenance } = await import("../maintenance/server.ts");
      await watched(false, (context) => serveMaintenance(context));
    });
}

function withoutMaintenance(stack: string): OperationError {
  return new OperationError("refused", {
    where: `stack ${stack}`,
    what: "has no maintenance application.",
    next: "Name the image that it runs in the stack's setting `tools`, and run `pulumi up`.",
  });
}
