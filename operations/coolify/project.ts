import { z } from "zod";
import { OperationError } from "../error.ts";
import type { Context, Verb } from "../verb.ts";
import { Named, Uuid } from "./answers.ts";
import { CoolifyClient, CoolifyError } from "./client.ts";
import { preflight, refuseProblems, type Preflight } from "./preflight.ts";
import { Placement, ProjectSpec } from "./spec.ts";
import { has } from "./version.ts";

/**
 * Looks at everything that has to hold, logs the server in to the registry, then makes or adopts, by name, a project and its
 * environment. A problem is refused before anything is made.
 */
export const applyProject: Verb<typeof ProjectSpec, typeof Placement> = {
  spec: ProjectSpec,
  result: Placement,
  async run(spec, context) {
    const password = spec.registry === undefined ? "" : registryPassword(context.env);
    const coolify = new CoolifyClient(context);
    const target = await context.progress.step("look at Coolify", () => examine(coolify, spec));
    if (spec.registry !== undefined) await logIn(coolify, target.serverUuid, { ...spec.registry, password }, context);
    const projectUuid = await adopt(
      `project ${spec.name}`,
      (await coolify.get("/projects", z.array(Named))).filter(({ name }) => name === spec.name),
      () => coolify.send({ method: "POST", path: "/projects", body: { name: spec.name } }, Uuid),
    );
    const environments = `/projects/${projectUuid}/environments`;
    const environmentUuid = await adopt(
      `environment ${spec.environment}`,
      (await coolify.get(environments, z.array(Named))).filter(({ name }) => name === spec.environment),
      () => coolify.send({ method: "POST", path: environments, body: { name: spec.environment } }, Uuid),
    );
    return { projectUuid, environmentName: spec.environment, environmentUuid, ...target };
  },
};

async function examine(
  coolify: CoolifyClient,
  { owner, name: project, environment, server, destination, team, applications = [] }: z.output<typeof ProjectSpec>,
): Promise<NonNullable<Preflight["target"]>> {
  const place = { project, environment };
  const { checks, target } = await preflight(coolify, {
    ...{ team, server, destination },
    routing: { place, owner, applications },
  });
  refuseProblems(checks);
  if (target === null) throw new Error("a preflight without a problem has a target");
  return target;
}

/** A project holds other things than ours, and Coolify refuses to delete one that is not empty: it stays. */
export const retireProject: Verb<typeof ProjectSpec, z.ZodObject> = {
  spec: ProjectSpec,
  result: z.strictObject({ retired: z.boolean() }),
  async run({ name }, { progress }) {
    progress.note(`project ${name} stays in Coolify; delete it there when it is empty`);
    return { retired: false };
  },
};

async function adopt(what: string, found: readonly { uuid: string }[], create: () => Promise<{ uuid: string }>) {
  const [first, second] = found;
  if (second !== undefined) {
    throw new OperationError("refused", {
      where: `Coolify, ${what}`,
      what: `exists ${found.length} times: ${found.map(({ uuid }) => uuid).join(", ")}.`,
      next: "Names are not unique in Coolify; rename or delete the others.",
    });
  }
  return (first ?? (await create())).uuid;
}

async function logIn(
  coolify: CoolifyClient,
  server: string,
  { host, username, password }: { host: string; username: string; password: string },
  { progress }: Context,
): Promise<void> {
  const version = await coolify.version();
  if (!has(version, "registryLogins")) {
    progress.note(`Coolify ${version.join(".")} has no registry logins: run docker login ${host} on the server`);
    return;
  }
  const login = { registry: host, username, password };
  try {
    await progress.step(`log the server in to ${host}`, () =>
      coolify.send({ method: "POST", path: `/servers/${server}/registries`, body: login }, z.unknown()),
    );
  } catch (error) {
    // Coolify answers 400 with the words of `docker login`.
    if (!(error instanceof CoolifyError) || error.status !== 400) throw error;
    throw new OperationError(
      "refused",
      {
        where: `registry ${host}, user ${username}`,
        what: error.text.what.replaceAll(password, "[redacted]"),
        next: "Set REGISTRY_PASSWORD to a token that may pull the images, and check the user's name.",
      },
      { cause: error },
    );
  }
}

function registryPassword(env: Readonly<Record<string, string | undefined>>): string {
  if (env.REGISTRY_PASSWORD) return env.REGISTRY_PASSWORD;
  throw new OperationError("usage", {
    where: "REGISTRY_PASSWORD",
    what: "is not set.",
    next: "Set it to a token that may pull the images (ghcr.io: a classic token with read:packages).",
  });
}
