import { z } from "zod";
import { OperationError } from "../error.ts";
import type { Context, Verb } from "../verb.ts";
import { waitFor } from "../wait.ts";
import { Database, EnvironmentContents, Uuid } from "./answers.ts";
import { CoolifyClient, CoolifyError } from "./client.ts";
import { declaredPostgres, declaredRedis } from "./database-comparison.ts";
import { isUp, planDatabase, runs, type WantedDatabase } from "./database-plan.ts";
import { DatabaseResult, PostgresSpec, RedisSpec, type Placement } from "./spec.ts";

/** Longest time in ms for a database to start, or for Coolify to end what it does with one. */
const limitMs = 300_000;

/** A private PostgreSQL on Coolify: adopted by name or created, then started. Its volume is never deleted. */
export const applyPostgres: Verb<typeof PostgresSpec, typeof DatabaseResult> = {
  spec: PostgresSpec,
  result: DatabaseResult,
  async run(spec, context) {
    const password = required(context.env, "POSTGRES_PASSWORD");
    return applyDatabase(context, spec.placement, { ...declaredPostgres(spec, password), owner: spec.owner }, 5432);
  },
};

/** A private Redis on Coolify: adopted by name or created, then started. */
export const applyRedis: Verb<typeof RedisSpec, typeof DatabaseResult> = {
  spec: RedisSpec,
  result: DatabaseResult,
  async run(spec, context) {
    const password = required(context.env, "REDIS_PASSWORD");
    return applyDatabase(context, spec.placement, { ...declaredRedis(spec, password), owner: spec.owner }, 6379);
  },
};

/** Removing a database from the program leaves it as it is: data is deleted by people, in Coolify. */
export const retireDatabase: Verb<z.ZodUnknown, z.ZodObject> = {
  spec: z.unknown(),
  result: z.strictObject({ retired: z.boolean() }),
  async run(_spec, { progress }) {
    progress.note("the database keeps running with its data; delete it in Coolify when it is no longer needed");
    return { retired: false };
  },
};

async function applyDatabase(
  context: Context,
  placement: Placement,
  wanted: WantedDatabase,
  port: number,
): Promise<z.input<typeof DatabaseResult>> {
  const coolify = new CoolifyClient(context);
  const existing = await findByName(coolify, placement, wanted);
  const { uuid } = existing ?? (await create(coolify, placement, wanted));
  const found = await coolify.get(`/databases/${uuid}`, Database);
  refuseOther(wanted, found);
  if (!runs(found)) {
    if (!isUp(found)) await start(coolify, uuid, wanted, context);
    await expectRunning(coolify, uuid, wanted, context);
  }
  // On the destination's network a database's host name is its uuid (379abb2, Models/StandalonePostgresql.php).
  return { uuid, host: uuid, port };
}

async function findByName(
  coolify: CoolifyClient,
  { projectUuid, environmentName }: Placement,
  { kind, name: wanted }: WantedDatabase,
): Promise<{ uuid: string } | undefined> {
  const contents = await coolify.get(`/projects/${projectUuid}/${environmentName}`, EnvironmentContents);
  const siblings = kind === "postgresql" ? contents.postgresqls : contents.redis;
  const [existing, second] = siblings.filter(({ name }) => name === wanted);
  if (existing === undefined || second === undefined) return existing;
  throw new OperationError("refused", {
    where: `Coolify, ${kind} ${wanted}`,
    what: `exists more than once in ${environmentName}: ${existing.uuid}, ${second.uuid}.`,
    next: "Names are not unique in Coolify; rename the one that holds no data of this environment.",
  });
}

async function create(
  coolify: CoolifyClient,
  { projectUuid, environmentName, serverUuid, destinationUuid }: Placement,
  wanted: WantedDatabase,
): Promise<{ uuid: string }> {
  return coolify.send(
    {
      method: "POST",
      path: `/databases/${wanted.kind}`,
      body: {
        project_uuid: projectUuid,
        environment_name: environmentName,
        server_uuid: serverUuid,
        ...(destinationUuid === undefined ? {} : { destination_uuid: destinationUuid }),
        name: wanted.name,
        description: `affexai owner=${wanted.owner}`,
        image: wanted.image,
        is_public: false,
        instant_deploy: false,
        ...wanted.fields,
      },
    },
    Uuid,
  );
}

function refuseOther(wanted: WantedDatabase, found: z.output<typeof Database>): void {
  const differences = planDatabase(wanted, found);
  if (differences.length === 0) return;
  throw new OperationError("refused", {
    where: `Coolify, ${wanted.kind} ${wanted.name}`,
    what: `is there and ${differences.map(({ what }) => what).join(", ")}.`,
    next: [...new Set(differences.map(({ next }) => next))].join(" "),
  });
}

/**
 * Starts a database. From 4.4 Coolify answers 409 while it is at something else with it (an import, a restart): that is waited for.
 * An answer that it runs already is as good: an earlier run may have asked a moment ago.
 */
async function start(
  coolify: CoolifyClient,
  uuid: string,
  { kind, name }: WantedDatabase,
  context: Context,
): Promise<void> {
  await waitFor<true>(
    {
      what: `${kind} ${name} asked to start`,
      timeoutMs: limitMs,
      intervalMs: 1500,
      next: "Look at what Coolify does with the database there, then run again.",
      async look() {
        try {
          await coolify.send({ method: "POST", path: `/databases/${uuid}/start` }, z.unknown());
          return { done: true, value: true };
        } catch (error) {
          if (!(error instanceof CoolifyError)) throw error;
          if (/already running/.test(error.message)) return { done: true, value: true };
          if (error.status !== 409) throw error;
          const { status } = await coolify.get(`/databases/${uuid}`, Database);
          return isUp({ status })
            ? { done: true, value: true }
            : { done: false, seen: "Coolify is at something else with it (409)" };
        }
      },
    },
    context,
  );
}

async function expectRunning(
  coolify: CoolifyClient,
  uuid: string,
  { kind, name }: WantedDatabase,
  context: Context,
): Promise<void> {
  await waitFor<true>(
    {
      what: `${kind} ${name} running`,
      timeoutMs: limitMs,
      intervalMs: 1500,
      next: "Look at the database's log in Coolify, then run again.",
      async look() {
        const database = await coolify.get(`/databases/${uuid}`, Database);
        return runs(database)
          ? { done: true, value: true }
          : { done: false, seen: `status ${database.status ?? "unknown"}` };
      },
    },
    context,
  );
}

/** Coolify's alphabet is larger; these are in none of a shell's, a URL's or its own way. */
function required(env: Context["env"], name: string): string {
  const value = env[name];
  if (value !== undefined && /^[A-Za-z0-9]{16,128}$/.test(value)) return value;
  throw new OperationError("usage", {
    where: name,
    what:
      value === undefined || value === ""
        ? "is not set."
        : "must be 16 to 128 letters and digits: Coolify refuses quotes, spaces and $ & ; | < > \\, and the rest would have to be escaped in URLs.",
    next: "Generate one.",
  });
}
