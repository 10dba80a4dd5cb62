import { fileURLToPath } from "node:url";
import { z } from "zod";
import { OperationError } from "./error.ts";
import { run } from "./process.ts";
import { ReleaseRecord, StackTargets } from "./release/spec.ts";
import type { Context } from "./verb.ts";

/** The program's folder, where `pulumi` runs. */
export const programFolder = fileURLToPath(new URL("..", import.meta.url));

const Outputs = z.object({
  release: ReleaseRecord,
  targets: StackTargets,
  databaseUrl: z.string(),
  backupDatabaseUrl: z.string(),
  adminDatabaseUrl: z.string(),
});

/** What a stack's last `up` left for the verbs that people run. */
export type StackOutputs = z.infer<typeof Outputs>;

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
  const outputs = Outputs.safeParse(JSON.parse(stdout));
  if (outputs.success) return outputs.data;
  throw new OperationError("refused", {
    where: `stack ${name}`,
    what: `does not have the outputs of a finished \`pulumi up\`:\n${z.prettifyError(outputs.error)}\n`,
    next: `Run \`pulumi up --stack ${name}\` to its end first.`,
  });
}

/** The environment that verbs with `--stack` work in: the process's own, with the stack's database URLs. */
export function stackEnvironment(outputs: StackOutputs, env: Context["env"]): Context["env"] {
  return {
    ...env,
    DATABASE_URL: outputs.databaseUrl,
    BACKUP_DATABASE_URL: outputs.backupDatabaseUrl,
    ADMIN_DATABASE_URL: outputs.adminDatabaseUrl,
  };
}
