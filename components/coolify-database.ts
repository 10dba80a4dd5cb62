import type * as pulumi from "@pulumi/pulumi";
import { RandomPassword } from "@pulumi/random/randomPassword.js";
import type { z } from "zod";
import { DatabaseResult } from "../operations/coolify/spec.ts";
import { operation, type SpecInputs } from "./command.ts";

export interface CoolifyDatabaseArgs<Spec extends z.ZodType> {
  noun: "postgres" | "redis";
  spec: Spec;
  input: SpecInputs<z.input<Spec>>;
  /** The variable that the verb reads the password from. */
  passwordVariable: string;
}

/** What both kinds of database on Coolify are, as children of their component: a generated password and one run of `apply`, protected. */
export function coolifyDatabase<Spec extends z.ZodType>(
  name: string,
  { noun, spec, input, passwordVariable }: CoolifyDatabaseArgs<Spec>,
  parent: pulumi.Resource,
): { password: pulumi.Output<string>; server: pulumi.Output<z.output<typeof DatabaseResult>> } {
  const protectedChild = { parent, protect: true };
  // Coolify refuses a password with anything but letters and digits.
  const password = new RandomPassword(`${name}-password`, { length: 32, special: false }, protectedChild);
  const server = operation(
    `${name}-apply`,
    {
      ...{ noun, verb: "apply", spec, result: DatabaseResult, input },
      secrets: { [passwordVariable]: password.result },
      timeoutMinutes: 15,
    },
    protectedChild,
  );
  return { password: password.result, server };
}
