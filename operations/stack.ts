import { fileURLToPath } from "node:url";
import { z } from "zod";
import { throughTunnel } from "./database/reach.ts";
import { OperationError } from "./error.ts";
import { run } from "./process.ts";
import { ReleaseRecord, StackTargets } from "./release/spec.ts";
import { withAccessKey } from "./storage-access-key.ts";
import type { Context } from "./verb.ts";

/** The program's folder, where `pulumi` runs. */
export const programFolder = fileURLToPath(new URL("..", import.meta.url));

/** What a stack's last `up` left for the verbs that people run: what `index.ts` exports. */
export const StackOutputs = z.object({
  release: ReleaseRecord,
  targets: StackTargets,
  databaseUrl: z.string(),
  backupDatabaseUrl: z.string(),
  adminDatabaseUrl: z.string(),
  /** DATABASE_SSH of the verbs that use the database; empty where it is reached directly. */
  databaseSsh: z.string().optional(),
  /** The keys of who may delete backups; a stack that was last brought up without it has none. */
  pruner: z.object({ accessKeyId: z.string(), secretAccessKey: z.string() }).optional(),
});

export type StackOutputs = z.infer<typeof StackOutputs>;

/** Reads a stack's outputs, secret ones included, through the `pulumi` executable. */
export async function readStack(name: string, { env, signal }: Pick<Context, "env" | "signal">): Promise<StackOutputs> {
  const { stdout } = await run({
    file: "pulumi",
    arguments: ["stack", "output", "--json", "--show-secrets", "--non-interactive", "--stack", name],
    cwd: programFolder,
    env: { ...env },
    timeoutMs: 60_000,
    signal,
  });
  const outputs = StackOutputs.safeParse(JSON.parse(stdout));
  if (outputs.success) return outputs.data;
  throw new OperationError("refused", {
    where: `stack ${name}`,
    what: `does not have the outputs of a finished \`pulumi up\`:\n${z.prettifyError(outputs.error)}\n`,
    next: `Run \`pulumi up --stack ${name}\` to its end first.`,
  });
}

/** Runs a verb with `--stack` in that stack's environment, where its databases answer. */
export async function onStack<T>(
  name: string,
  context: Context,
  work: (outputs: StackOutputs, context: Context) => Promise<T>,
): Promise<T> {
  const outputs = await readStack(name, context);
  return throughTunnel({ ...context, env: stackEnvironment(outputs, context.env) }, (reached) =>
    work(outputs, reached),
  );
}

/**
 * The environment that verbs with `--stack` work in: the process's own, with the stack's database URLs, with its way to them unless the
 * process has one (an empty DATABASE_SSH is the direct one), and with the keys that its backups are encrypted to.
 */
export function stackEnvironment(outputs: StackOutputs, env: Context["env"]): Context["env"] {
  return {
    ...env,
    DATABASE_URL: outputs.databaseUrl,
    BACKUP_DATABASE_URL: outputs.backupDatabaseUrl,
    ADMIN_DATABASE_URL: outputs.adminDatabaseUrl,
    DATABASE_SSH: env.DATABASE_SSH ?? outputs.databaseSsh,
    BACKUP_RECIPIENTS: outputs.targets.recipients?.join(",") ?? env.BACKUP_RECIPIENTS,
  };
}

/** The environment in which a stack's backups can be deleted: with the keys of its pruner, and with the process's own where the stack has none. */
export function prunerEnvironment({ pruner }: Pick<StackOutputs, "pruner">, env: Context["env"]): Context["env"] {
  return pruner === undefined ? env : withAccessKey(env, pruner);
}
