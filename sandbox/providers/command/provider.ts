import { randomBytes } from "node:crypto";
import { z } from "zod";
import { type Call, type Provider, resource } from "../provider.ts";
import type { Wire } from "../wire.ts";
import { run } from "./run.ts";

const CommandInputs = z.strictObject({
  create: z.string().optional(),
  update: z.string().optional(),
  delete: z.string().optional(),
  stdin: z.string().optional(),
  dir: z.string().optional(),
  environment: z.record(z.string(), z.string()).optional(),
  interpreter: z.array(z.string()).optional(),
  triggers: z.array(z.json()).optional(),
  logging: z.enum(["stdout", "stderr", "stdoutAndStderr", "none"]).optional(),
  addPreviousOutputInEnv: z.boolean().optional(),
});
export type CommandInputs = z.output<typeof CommandInputs>;

/**
 * `command:local:Command` as version 1.2.1 has it (pulumi-command, provider/pkg/provider/local/commandController.go):
 * any changed input except `triggers` runs `update`, or `create` where there is none; changed `triggers` replace, the new one made
 * first; `delete` runs with the stored inputs; nothing is ever read back; a failed command leaves no trace in state.
 */
const localCommand = resource({
  inputs: CommandInputs,
  computed: ["stdout", "stderr"],
  recomputed: ["stdout", "stderr"],
  replaceOn: ["triggers"],
  async create(inputs, call) {
    const outputs = inputs.create === undefined ? noOutput : await run(inputs.create, inputs, noOutput, call);
    return { id: `${call.name}${randomBytes(4).toString("hex")}`, outputs: { ...outputs } };
  },
  async update({ outputs }, inputs, call) {
    const command = inputs.update ?? inputs.create;
    return command === undefined ? {} : { ...(await run(command, inputs, previous(outputs), call)) };
  },
  async delete({ inputs, outputs }, call: Call) {
    if (inputs.delete !== undefined) await run(inputs.delete, inputs, previous(outputs), call);
  },
});

const noOutput = { stdout: "", stderr: "" };

function previous({ stdout, stderr }: Wire) {
  return { stdout: typeof stdout === "string" ? stdout : "", stderr: typeof stderr === "string" ? stderr : "" };
}

export const command: Provider = {
  config: z.strictObject({ version: z.string().optional() }),
  resources: { "command:local:Command": localCommand },
  functions: {},
};
