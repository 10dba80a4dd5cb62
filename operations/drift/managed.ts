import { z } from "zod";
import { OperationError } from "../error.ts";
import { parseJson } from "../json.ts";
import { run } from "../process.ts";
import { programFolder } from "../stack.ts";
import type { Context } from "../verb.ts";

/** One command resource as the stack's state holds it: what was declared when its verb last ran to its end. */
export interface Managed {
  /** The resource's name. */
  readonly resource: string;
  readonly noun: string;
  readonly verb: string;
  readonly spec: unknown;
  /** The verb's own environment, secret values included. Kept in memory only. */
  readonly env: Readonly<Record<string, string>>;
  /** What the verb answered. */
  readonly result: unknown;
}

const Export = z.object({
  deployment: z.object({
    resources: z
      .array(
        z.object({
          urn: z.string(),
          type: z.string(),
          /** Replaced already, and waiting for its deletion. */
          delete: z.boolean().optional(),
          inputs: z.record(z.string(), z.unknown()).default({}),
          outputs: z.object({ stdout: z.string().default("") }).default({ stdout: "" }),
        }),
      )
      .nullish(),
    pending_operations: z.array(z.object({ resource: z.object({ urn: z.string() }), type: z.string() })).nullish(),
  }),
});

const Command = z.object({
  interpreter: z.tuple([z.string(), z.string(), z.string()]),
  create: z.string(),
  stdin: z.string().transform(parseJson),
  environment: z.record(z.string(), z.string()).default({}),
});

export interface StackState {
  readonly managed: readonly Managed[];
  /** Names of resources whose last operation was cut off. */
  readonly interrupted: readonly string[];
}

/** Reads a stack's state through the `pulumi` executable. Throws unreachable: without it nothing can be compared. */
export async function readState(stack: string, { env, signal }: Pick<Context, "env" | "signal">): Promise<StackState> {
  const output = await run({
    file: "pulumi",
    arguments: ["stack", "export", "--show-secrets", "--non-interactive", "--stack", stack],
    cwd: programFolder,
    env: { ...env },
    timeoutMs: 60_000,
    signal,
  }).catch((error: unknown) => {
    signal.throwIfAborted();
    throw new OperationError(
      "unreachable",
      {
        where: `the state of stack ${stack}`,
        what: `could not be read. ${error instanceof OperationError ? error.text.what : String(error)}`,
        next: "Check the stack's name, PULUMI_BACKEND_URL and the passphrase.",
      },
      { cause: error },
    );
  });
  return stateOf(JSON.parse(output.stdout));
}

/** The command resources of an exported stack, in the order in which they depend on each other. Pure. */
export function stateOf(exported: unknown): StackState {
  const { deployment } = Export.parse(withoutSecretness(exported));
  const managed = (deployment.resources ?? []).flatMap(({ urn, type, delete: replaced, inputs, outputs }) => {
    if (type !== "command:local:Command" || replaced === true) return [];
    const command = Command.safeParse(inputs);
    if (!command.success || command.data.interpreter[1] !== "operations/cli.ts") return [];
    const { interpreter, create, stdin, environment } = command.data;
    return [
      {
        ...{ resource: nameOf(urn), noun: interpreter[2], verb: create },
        ...{ spec: stdin, env: environment, result: parseJson(outputs.stdout) },
      },
    ];
  });
  const interrupted = (deployment.pending_operations ?? []).map(
    ({ resource, type }) => `${nameOf(resource.urn)} (${type})`,
  );
  return { managed, interrupted };
}

function nameOf(urn: string): string {
  return urn.slice(urn.lastIndexOf("::") + 2);
}

/** How a state file marks a secret (pulumi 3.259, sdk/go/common/resource/sig). */
const signature = "4dabf18193072939515e22adb298388d";

function withoutSecretness(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutSecretness);
  if (typeof value !== "object" || value === null) return value;
  if (signature in value && "plaintext" in value) return withoutSecretness(JSON.parse(String(value.plaintext)));
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, withoutSecretness(part)]));
}
