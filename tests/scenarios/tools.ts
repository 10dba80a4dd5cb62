import assert from "node:assert/strict";
import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import type { Progress } from "../../operations/progress.ts";
import { pulumi } from "../../operations/pulumi.ts";
import { programFolder } from "../../operations/stack.ts";
import { contextOf, type Stage } from "../../sandbox/demo/stage.ts";
import { sandboxTools } from "../../sandbox/verbs/tools.ts";

/** The same stage, whose stack file names the image of the agent and of the maintenance application, as docs/agent.md has it. */
export async function withTools(stage: Stage, progress: Progress): Promise<Stage> {
  const image = await sandboxTools(contextOf(stage, progress));
  const file = join(stage.folder, "Pulumi.sandbox.tools.yaml");
  await copyFile(stage.env["PULUMI_OPTION_CONFIG_FILE"] || join(programFolder, "Pulumi.sandbox.yaml"), file);
  const furnished = { ...stage, env: { ...stage.env, PULUMI_OPTION_CONFIG_FILE: file } };
  const set = await pulumi(
    ["config", "set", "--path", "affexai:tools.image", image, "--stack", stage.stack],
    contextOf(furnished, progress),
  );
  assert.ok(set.ok, set.output);
  return furnished;
}
