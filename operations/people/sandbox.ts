import { join } from "node:path";
import { Option, type Command } from "commander";
import type { Runtime } from "../../sandbox/supervisor/sandbox.ts";
import { OperationError } from "../error.ts";
import { noun, type Surroundings } from "./surroundings.ts";

/** `affexai sandbox up|down|status|env|publish|tools` and `affexai demo`. Loaded on demand: nothing else of the CLI knows the sandbox. */
export function addSandboxVerbs(program: Command, { watched, write }: Surroundings): void {
  const sandbox = noun(program, "sandbox", "the embedded platform: everything on loopback ports");
  sandbox
    .command("up")
    .description("start it, or say what runs already")
    .addOption(runtimeOption())
    .action(async (options: { runtime?: Runtime }) => {
      const { sandboxUp } = await import("../../sandbox/verbs/up.ts");
      await watched(false, (context) => sandboxUp(context, options));
    });
  sandbox
    .command("down")
    .description("stop it; its data stays in .sandbox")
    .action(async () => {
      const { sandboxDown } = await import("../../sandbox/verbs/down.ts");
      await watched(false, sandboxDown);
    });
  sandbox
    .command("status")
    .description("services, addresses, containers")
    .option("--json", "as one JSON object")
    .action(async ({ json = false }: { json?: boolean }) => {
      const { sandboxStatus, describeStatus } = await import("../../sandbox/verbs/status.ts");
      const status = await sandboxStatus();
      write(json ? JSON.stringify(status) : describeStatus(status));
    });
  sandbox
    .command("env")
    .description('shell exports: eval "$(./affexai sandbox env)" makes plain pulumi work against the sandbox')
    .action(async () => {
      const { sandboxExports } = await import("../../sandbox/verbs/env.ts");
      write(await sandboxExports());
    });

  sandbox
    .command("publish")
    .description("build the example's releases, push them, and write their release records")
    .action(async () => {
      const { sandboxPublish } = await import("../../sandbox/verbs/publish.ts");
      const releases = await watched(false, sandboxPublish);
      write(releases.map(({ file }) => file).join("\n"));
    });

  sandbox
    .command("tools")
    .description("build the tools image, push it, and print its reference for the setting `tools`")
    .action(async () => {
      const { sandboxTools } = await import("../../sandbox/verbs/tools.ts");
      write(await watched(false, sandboxTools));
    });

  program
    .command("demo")
    .description("release, gate, roll back: the whole story on the embedded platform, each claim checked")
    .addOption(runtimeOption())
    .option("--keep", "leave it running afterwards")
    .option("--json", "the claims as one JSON object, the last line of stdout")
    .action(async (options: { json?: boolean; keep?: boolean; runtime?: Runtime }) => {
      const { json = false, keep = false, runtime } = options;
      const { tellStory, describeDemo } = await import("../../sandbox/demo/story.ts");
      const { result, stage } = await watched(json, (context) => tellStory({ keep, runtime }, context));
      write(json ? JSON.stringify(result) : describeDemo(result, keep ? stage : null));
      const failed = result.claims.filter(({ ok }) => !ok);
      if (failed.length > 0) {
        throw new OperationError("failed", {
          where: "demo",
          what: `${failed.length} of ${result.claims.length} claims do not hold: ${failed.map(({ name }) => name).join("; ")}.`,
          next: `Read the logs in ${join(stage.folder, "logs")}; \`./affexai demo --keep\` leaves everything running to look at.`,
        });
      }
    });
}

/** Said here and not taken from the sandbox, which is loaded on demand. */
const runtimes: readonly Runtime[] = ["processes", "docker"];

function runtimeOption(): Option {
  const option = new Option("--runtime <runtime>", "what containers are: processes, or a Docker engine behind Traefik");
  return option.choices(runtimes);
}
