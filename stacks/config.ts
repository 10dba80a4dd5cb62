import * as pulumi from "@pulumi/pulumi";
import type { z } from "zod";
import { type DeployedEnvironment, type Environment, environments } from "./environments.ts";
import { rules, type SecretSetting, secretSettings, settings, type Settings } from "./settings.ts";

/** Everything a stack is told: its file's settings, its secrets, and what its environment stands for. */
export interface Config extends Readonly<Settings> {
  readonly environment: DeployedEnvironment;
  readonly behaviour: Environment & { readonly health: NonNullable<Environment["health"]> };
  /** Present exactly when the setting that needs them says so. Secret. */
  readonly secrets: Readonly<Partial<Record<SecretSetting, pulumi.Output<string>>>>;
}

type Variables = Readonly<Record<string, string | undefined>>;

/**
 * Reads and checks the whole of `Pulumi.<stack>.yaml`. Nothing else reads pulumi.Config, and nothing is declared before it
 * returned. Throws one RunError that lists every problem with its path and its remedy, never with a secret's value.
 */
export function loadConfig(env: Variables = process.env): Config {
  const project = pulumi.getProject();
  const given = Object.entries(pulumi.runtime.allConfig())
    .filter(([key]) => key.startsWith(`${project}:`))
    .map(([key, value]) => [key.slice(project.length + 1), value] as const);
  const known: Partial<Settings> = {};
  const problems: string[] = [];
  const report = (path: string, what: string, next: string) => problems.push(`  ${project}:${path} ${what}. ${next}`);

  for (const [key, schema] of Object.entries(settings)) {
    const text = given.find(([name]) => name === key)?.[1];
    const remedy = remedyOf(schema);
    if (text === undefined) {
      if (!schema.safeParse(undefined).success) report(key, "is missing", remedy);
      continue;
    }
    const result = (schema as z.ZodType).safeParse(parse(text));
    if (result.success) Object.assign(known, { [key]: result.data });
    else for (const issue of result.error.issues) report([key, ...issue.path].join("."), plainWords(issue), remedy);
  }
  for (const [key] of given) {
    if (!(key in settings) && !(key in secretSettings)) {
      const names = [...Object.keys(settings), ...Object.keys(secretSettings)].join(", ");
      report(key, "is not a setting", `Remove it or correct its name; there are ${names}.`);
    }
  }
  for (const [key, { about, when }] of Object.entries(secretSettings)) {
    const present = given.some(([name]) => name === key);
    const command = `pulumi config set --secret ${project}:${key} --stack ${pulumi.getStack()}`;
    if (when(known) && !present) report(key, "is missing", `It is ${about}: ${command}`);
    if (!when(known) && present) report(key, "is set but nothing uses it", `It is ${about}: remove it.`);
    if (present && !isSecret(`${project}:${key}`)) report(key, "is not encrypted", `Set it with: ${command}`);
  }
  for (const rule of rules) {
    const problem = rule(known);
    if (problem !== null) report(problem.path, problem.what, problem.next);
  }
  if (problems.length > 0) {
    const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
    throw new pulumi.RunError(
      `Pulumi.${pulumi.getStack()}.yaml has ${count}; nothing was touched.\n${problems.join("\n")}`,
    );
  }

  // Nothing is missing: every key of `settings` that has to be there was parsed, or there would be a problem.
  const complete = known as Settings;
  refuseSandboxShell(complete, env);
  const config = new pulumi.Config(project);
  const secrets = Object.keys(secretSettings).map((key) => [key, config.getSecret(key)] as const);
  return Object.freeze({
    ...complete,
    behaviour: environments[complete.environment],
    secrets: Object.fromEntries(secrets.filter(([, value]) => value !== undefined)),
  });
}

/** In a shell with the sandbox's environment, providers and addresses are the stand-ins': they must not be taken for a real stack's. */
function refuseSandboxShell({ environment }: Settings, { AFFEXAI_SANDBOX_DIR }: Variables): void {
  if (AFFEXAI_SANDBOX_DIR === undefined || (environment === "sandbox" && pulumi.getStack() === "sandbox")) return;
  throw new pulumi.RunError(
    `This shell has the sandbox's environment (AFFEXAI_SANDBOX_DIR=${AFFEXAI_SANDBOX_DIR}), and stack ${pulumi.getStack()} is not the sandbox's; ` +
      "nothing was touched. Run it in a new shell.",
  );
}

/** Pulumi hands over text: a YAML map arrives as JSON, a plain word as itself. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function remedyOf(schema: z.ZodType): string {
  const { remedy } = schema.meta() ?? {};
  return typeof remedy === "string" ? remedy : "Correct it.";
}

/** No value is repeated: a secret may have been put under the wrong key. */
function plainWords(issue: z.core.$ZodIssue): string {
  if (issue.code === "unrecognized_keys") return `has unknown ${issue.keys.join(", ")}`;
  if (issue.code === "invalid_value") return `must be ${issue.values.join(" or ")}`;
  if (issue.code === "invalid_type")
    return `must be ${issue.expected === "int" ? "a whole number" : `of type ${issue.expected}`}`;
  if (issue.code === "invalid_union") return "must be one of the known kinds";
  return issue.message.replace(/^(Too|Invalid)/, (word) => word.toLowerCase());
}

/** Exported by the SDK's runtime (runtime/config.js, `isConfigSecret`) and left out of its typings. */
function isSecret(key: string): boolean {
  return (pulumi.runtime as unknown as { isConfigSecret(key: string): boolean }).isConfigSecret(key);
}
