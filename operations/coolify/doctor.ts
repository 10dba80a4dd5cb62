import { z } from "zod";
import { OperationError } from "../error.ts";
import { run } from "../process.ts";
import { programFolder } from "../stack.ts";
import type { Context } from "../verb.ts";
import type { Check } from "./checks/check.ts";
import { CoolifyClient } from "./client.ts";
import { preflight, type Intent } from "./preflight.ts";

/** The settings of a stack that are about Coolify; read from its file, so that the first `up` can be looked at too. */
const Settings = z.object({
  environment: z.string(),
  server: z.string(),
  team: z.string().optional(),
  destination: z.string().optional(),
  registry: z.object({ host: z.string() }),
  routes: z.object({ backend: z.string(), frontend: z.string() }),
});

/** The program's name, in its Pulumi.yaml and for its project in Coolify. */
const project = "affexai";

/** Looks at what a stack is going to need of Coolify, or at all that the token's team has. Changes nothing. */
export async function examine(stack: string | undefined, context: Context): Promise<readonly Check[]> {
  const coolify = new CoolifyClient(context);
  const intent = stack === undefined ? {} : await intentOf(stack, context);
  return context.progress.step("look at Coolify", async () => (await preflight(coolify, intent)).checks);
}

async function intentOf(stack: string, { env, signal }: Context): Promise<Intent> {
  const { stdout } = await run({
    file: "pulumi",
    arguments: ["config", "--json", "--non-interactive", "--stack", stack],
    cwd: programFolder,
    env: { ...env },
    timeoutMs: 60_000,
    signal,
  });
  const settings = Settings.safeParse(settingsIn(JSON.parse(stdout)));
  if (!settings.success) {
    throw new OperationError("refused", {
      where: `stack ${stack}`,
      what: `lacks settings:\n${z.prettifyError(settings.error)}\n`,
      next: `Complete Pulumi.${stack}.yaml; \`pulumi preview --stack ${stack}\` lists everything that is wrong with it.`,
    });
  }
  const { environment, server, team, destination, registry, routes } = settings.data;
  return {
    team,
    server,
    destination,
    registry: registry.host,
    routing: {
      place: { project, environment },
      owner: `${project}/${stack}/doctor`,
      applications: [
        { name: "backend", hosts: [routes.backend] },
        { name: "frontend", hosts: [routes.frontend] },
      ],
    },
  };
}

/** `pulumi config --json` gives texts for plain values and `objectValue` for maps. */
function settingsIn(config: unknown): Record<string, unknown> {
  const values = z
    .record(z.string(), z.object({ value: z.string().optional(), objectValue: z.unknown().optional() }))
    .parse(config);
  return Object.fromEntries(
    Object.entries(values).flatMap(([key, { value, objectValue }]) =>
      key.startsWith(`${project}:`) ? [[key.slice(project.length + 1), objectValue ?? value]] : [],
    ),
  );
}
