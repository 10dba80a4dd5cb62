import * as pulumi from "@pulumi/pulumi";
import { Command } from "@pulumi/command/local/command.js";
import { z } from "zod";

/** A spec whose fields may come from other resources. */
export type SpecInputs<Spec> = { [Key in keyof Spec]: pulumi.Input<Spec[Key]> };

export interface OperationArgs<Spec extends z.ZodType, Result extends z.ZodType> {
  /** The noun and verb of `node operations/cli.ts <noun> <verb>`. */
  noun: "project" | "postgres" | "redis" | "roles" | "migration" | "application" | "smoke" | "ledger";
  verb: "apply" | "run" | "record";
  /** The verb's own schemas, from its `spec.ts`: what is sent is checked here, what comes back as well. */
  spec: Spec;
  result: Result;
  /** Sent as JSON on stdin, which the state keeps in plain text. A secret in it is refused. */
  input: SpecInputs<z.input<Spec>>;
  /** What is said in the open, by the name of its environment variable. A missing one is not set. */
  variables?: Record<string, string | undefined>;
  /** Generated secrets, by the name of their environment variable. Access credentials are inherited and never listed here. */
  secrets?: Record<string, pulumi.Input<string>>;
  /** The engine kills the verb after this long. Longer than every wait of the verb, so that its own message wins. */
  timeoutMinutes: number;
}

export interface OperationOptions {
  parent: pulumi.Resource;
  /** Refuses deletion and replacement: for what holds data. */
  protect?: boolean;
  dependsOn?: pulumi.Resource[];
}

/**
 * Declares one run of an `affexai` verb as a command resource, and returns what the verb answered.
 *
 * Any changed input runs the verb again, equal inputs run nothing, and removal runs `retire` with the stored spec. There are no
 * triggers: a changed trigger would apply first and then retire the very thing that was applied (pulumi-command 1.2.1,
 * local/commandController.go). The verb is one argument of `node`, so no shell reads anything.
 */
export function operation<Spec extends z.ZodType, Result extends z.ZodType>(
  name: string,
  args: OperationArgs<Spec, Result>,
  options: OperationOptions,
): pulumi.Output<z.output<Result>> {
  const timeout = `${args.timeoutMinutes}m`;
  const secrets = Object.entries(args.secrets ?? {}).map(([key, value]) => [key, pulumi.secret(value)] as const);
  const environment: Record<string, pulumi.Input<string>> = Object.fromEntries(secrets);
  for (const [key, value] of Object.entries(args.variables ?? {})) if (value !== undefined) environment[key] = value;
  const command = new Command(
    name,
    {
      interpreter: ["node", "operations/cli.ts", args.noun],
      create: args.verb,
      update: args.verb,
      delete: "retire",
      stdin: specText(name, args.spec, args.input),
      ...(Object.keys(environment).length === 0 ? {} : { environment }),
      logging: "stderr",
      addPreviousOutputInEnv: false,
    },
    {
      ...options,
      // Secretness does not flow from inputs to stdout and stderr by itself (pulumi-go-provider, infer/resource.go).
      additionalSecretOutputs: secrets.length === 0 ? [] : ["stdout", "stderr"],
      customTimeouts: { create: timeout, update: timeout, delete: timeout },
    },
  );
  // The result's schema is strict and holds no secret, so what passes it is public.
  return pulumi.unsecret(command.stdout).apply((line) => parseResult(name, args.result, line));
}

/** Whose a resource on Coolify is: what `apply` writes there as its mark, and what tells one program and stack from another. */
export function ownerOf(name: string): string {
  return `${pulumi.getProject()}/${pulumi.getStack()}/${name}`;
}

function specText<Spec extends z.ZodType>(name: string, schema: Spec, input: SpecInputs<z.input<Spec>>) {
  const spec = pulumi.output(input);
  return pulumi.output(pulumi.isSecret(spec)).apply((secret) => {
    if (secret)
      throw new Error(`${name}: the spec holds a secret. Hand it over in \`secrets\`: a spec is kept in plain text.`);
    return spec.apply((value) => {
      const checked = schema.safeParse(value);
      if (!checked.success) {
        throw new Error(
          `${name}: the spec does not fit its verb.\n${z.prettifyError(checked.error)}\nCorrect the component's arguments.`,
        );
      }
      return canonicalJson(checked.data);
    });
  });
}

function parseResult<Result extends z.ZodType>(name: string, schema: Result, line: string): z.output<Result> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new Error(
      `${name}: the verb's answer is not one line of JSON. Run the same verb by hand to see what it prints.`,
    );
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new Error(
    `${name}: the verb's answer is not what its schema says.\n${z.prettifyError(result.error)}\nRun \`pulumi up\` again with this version.`,
  );
}

/**
 * JSON with the keys in order. A record that went through the stack's outputs comes back in another order than from its file;
 * without this the same release would look like a changed one and run every verb again.
 */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
