import * as pulumi from "@pulumi/pulumi";
import { execFile } from "node:child_process";
import type { PreviewProbe, ProbedInput } from "../components/preview-probe.ts";
import { ApplicationSpec } from "../operations/coolify/spec.ts";
import { PlanResult, type PlanSpec } from "../operations/drift/spec.ts";

/** Answers what a rollout would change; the secrets are in the environment. Rejects with what a person should read. */
export type AskCoolify = (spec: PlanSpec, env: Record<string, string>) => Promise<PlanResult>;

interface Question {
  readonly resource: pulumi.Resource;
  readonly application: PlanSpec["applications"][number];
  readonly env: Record<string, string>;
}

const timeoutMs = 30_000;

/** What a preview says of Coolify; nothing where no preview runs. */
export function coolifyPreview(): CoolifyPreview | undefined {
  return pulumi.runtime.isDryRun() ? new CoolifyPreview(askCoolify) : undefined;
}

/**
 * Collects the applications that a preview declares and asks about all of them at once, in one process that only reads. What is not
 * known before the update, such as the place on Coolify in a first preview, is not asked about.
 */
export class CoolifyPreview implements PreviewProbe {
  readonly #ask: AskCoolify;
  readonly #questions: Promise<Question | null>[] = [];

  constructor(ask: AskCoolify) {
    this.#ask = ask;
  }

  add(resource: pulumi.Resource, input: ProbedInput, secrets: Record<string, pulumi.Input<string>>): void {
    this.#questions.push(questionOf(resource, input, secrets));
  }

  /** Says beside each application what would change. A Coolify that cannot be asked is one warning, and fails nothing. */
  async tell(): Promise<void> {
    const questions = (await Promise.all(this.#questions)).filter((one) => one !== null);
    if (questions.length === 0) return;
    try {
      const { applications } = await this.#ask(
        { applications: questions.map(({ application }) => application) },
        Object.assign({}, ...questions.map(({ env }) => env)) as Record<string, string>,
      );
      for (const { resource, application } of questions) {
        const changes = applications.find(({ owner }) => owner === application.spec.owner)?.changes ?? null;
        if (changes !== null) await pulumi.log.info(`On Coolify:\n${changes}`, resource);
      }
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      await pulumi.log.warn(`What would change on Coolify is not shown. ${reason}`);
    }
  }
}

async function questionOf(
  resource: pulumi.Resource,
  { variables, ...input }: ProbedInput,
  secrets: Record<string, pulumi.Input<string>>,
): Promise<Question | null> {
  const [fields, open, secret] = await Promise.all([known(pulumi.output(input)), each(variables), each(secrets)]);
  if (fields === undefined) return null;
  const spec = ApplicationSpec.safeParse({
    ...fields,
    variables: open.known,
    secretVariables: Object.keys(secret.known).sort(),
    after: [],
  });
  if (!spec.success) return null;
  const env = Object.entries(secret.known).map(([name, value]) => [`VARIABLE_${spec.data.name}__${name}`, value]);
  return {
    resource,
    application: { spec: spec.data, unknownVariables: [...open.unknown, ...secret.unknown] },
    env: Object.fromEntries(env) as Record<string, string>,
  };
}

async function each(inputs: Record<string, pulumi.Input<string>>) {
  const values = await Promise.all(
    Object.entries(inputs).map(async ([name, input]) => [name, await known(pulumi.output(input))] as const),
  );
  return {
    known: Object.fromEntries(values.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]))),
    unknown: values.flatMap(([name, value]) => (value === undefined ? [name] : [])),
  };
}

/** What an output holds; undefined while it is unknown, where `apply` would never be called (runtime, output.js). */
function known<T>(output: pulumi.Output<T>): Promise<T | undefined> {
  return (output as unknown as { promise(): Promise<T | undefined> }).promise();
}

/** Asks `affexai application plan`. */
const askCoolify: AskCoolify = (spec, env) =>
  new Promise((resolve, reject) => {
    const child = execFile(
      process.execPath,
      ["operations/cli.ts", "application", "plan"],
      {
        timeout: timeoutMs,
        killSignal: "SIGKILL",
        maxBuffer: 32 * 1024 * 1024,
        env: { ...process.env, ...env },
      },
      (error, stdout, stderr) => {
        if (error === null) resolve(PlanResult.parse(JSON.parse(stdout)));
        else reject(new Error(stderr.trim() || `Coolify gave no answer within ${timeoutMs / 1000} s.`));
      },
    );
    // A child that ended early says why on stderr.
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(JSON.stringify(spec));
  });
