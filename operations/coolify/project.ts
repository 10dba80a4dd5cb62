import { z } from "zod";
import { OperationError } from "../error.ts";
import type { Verb } from "../verb.ts";
import { Named, Server, Uuid } from "./answers.ts";
import { CoolifyClient, CoolifyError, atLeast } from "./client.ts";
import { Placement, ProjectSpec } from "./spec.ts";

/** Makes or adopts, by name, a project and its environment, finds the server, and logs it in to the registry. */
export const applyProject: Verb<typeof ProjectSpec, typeof Placement> = {
  spec: ProjectSpec,
  result: Placement,
  async run(spec, context) {
    const password = spec.registry === undefined ? "" : registryPassword(context.env);
    const coolify = new CoolifyClient(context);
    const version = await coolify.version();
    const server = await findServer(coolify, spec.server);
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
    if (spec.registry !== undefined) {
      const { host, username } = spec.registry;
      if (atLeast(version, [4, 4, 0])) {
        await context.progress.step(`log the server in to ${host}`, () =>
          logIn(coolify, server, { registry: host, username, password }),
        );
      } else {
        context.progress.note(
          `Coolify ${version.join(".")} has no registry logins: run docker login ${host} on the server`,
        );
      }
    }
    return { projectUuid, environmentName: spec.environment, environmentUuid, serverUuid: server };
  },
};

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

/** The server by name or uuid; its proxy must be Traefik, because routing, replicas and drain are Traefik labels. */
async function findServer(coolify: CoolifyClient, wanted: string): Promise<string> {
  const servers = await coolify.get("/servers", z.array(Server));
  const [found, second] = servers.filter(({ uuid, name }) => uuid === wanted || name === wanted);
  if (found !== undefined && second !== undefined) {
    throw new OperationError("refused", {
      where: `Coolify, server ${wanted}`,
      what: `names ${found.uuid} and ${second.uuid}.`,
      next: "Give the server's uuid instead of its name.",
    });
  }
  if (found === undefined) {
    throw new OperationError("refused", {
      where: `Coolify, server ${wanted}`,
      what: `was not found among ${servers.map(({ name }) => name).join(", ") || "no servers"}.`,
      next: "Name one of these, or add the server in Coolify.",
    });
  }
  const { proxy, proxy_type } = await coolify.get(`/servers/${found.uuid}`, Server);
  const type = (proxy?.type ?? proxy_type ?? "none").toLowerCase();
  if (type !== "traefik") {
    throw new OperationError("refused", {
      where: `Coolify, server ${found.name}`,
      what: `has the proxy ${type}.`,
      next: "Switch the server's proxy to Traefik: replicas, health checks and draining are done with its labels.",
    });
  }
  return found.uuid;
}

async function logIn(
  coolify: CoolifyClient,
  server: string,
  login: { registry: string; username: string; password: string },
): Promise<void> {
  try {
    await coolify.send({ method: "POST", path: `/servers/${server}/registries`, body: login }, z.unknown());
  } catch (error) {
    // Coolify answers 400 with the words of `docker login`.
    if (!(error instanceof CoolifyError) || error.status !== 400) throw error;
    throw new OperationError(
      "refused",
      {
        where: `registry ${login.registry}, user ${login.username}`,
        what: error.text.what.replaceAll(login.password, "[redacted]"),
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
