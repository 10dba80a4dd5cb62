import { z } from "zod";
import { OperationError } from "../error.ts";
import type { Context, Verb } from "../verb.ts";
import { waitFor } from "../wait.ts";
import { Database, EnvironmentContents, Uuid } from "./answers.ts";
import { CoolifyClient, CoolifyError } from "./client.ts";
import { DatabaseResult, PostgresSpec, RedisSpec, type Placement } from "./spec.ts";

/** A private PostgreSQL on Coolify: adopted by name or created, then started. Its volume is never deleted. */
export const applyPostgres: Verb<typeof PostgresSpec, typeof DatabaseResult> = {
  spec: PostgresSpec,
  result: DatabaseResult,
  async run(spec, context) {
    const password = required(context.env, "POSTGRES_PASSWORD");
    return applyDatabase(context, {
      ...spec,
      kind: "postgresql",
      port: 5432,
      fields: { postgres_user: spec.user, postgres_password: password, postgres_db: spec.database },
    });
  },
};

/** A private Redis on Coolify: adopted by name or created, then started. */
export const applyRedis: Verb<typeof RedisSpec, typeof DatabaseResult> = {
  spec: RedisSpec,
  result: DatabaseResult,
  async run(spec, context) {
    const fields = { redis_password: required(context.env, "REDIS_PASSWORD") };
    return applyDatabase(context, { ...spec, kind: "redis", port: 6379, fields });
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

interface Wanted {
  readonly owner: string;
  readonly placement: Placement;
  readonly name: string;
  readonly image: string;
  readonly kind: "postgresql" | "redis";
  readonly port: number;
  readonly fields: Readonly<Record<string, string>>;
}

async function applyDatabase(context: Context, wanted: Wanted): Promise<z.input<typeof DatabaseResult>> {
  const coolify = new CoolifyClient(context);
  const { projectUuid, environmentName } = wanted.placement;
  const contents = await coolify.get(`/projects/${projectUuid}/${environmentName}`, EnvironmentContents);
  const siblings = wanted.kind === "postgresql" ? contents.postgresqls : contents.redis;
  const [existing, second] = siblings.filter(({ name }) => name === wanted.name);
  if (second !== undefined) {
    throw new OperationError("refused", {
      where: `Coolify, ${wanted.kind} ${wanted.name}`,
      what: `exists more than once in ${environmentName}: ${existing?.uuid ?? ""}, ${second.uuid}.`,
      next: "Names are not unique in Coolify; rename the one that holds no data of this environment.",
    });
  }
  const { uuid } = existing ?? (await create(coolify, wanted));
  const found = await coolify.get(`/databases/${uuid}`, Database);
  refuseOther(wanted, found);
  if (!running(found)) {
    await start(coolify, uuid, found);
    await waitFor<true>(
      {
        // Coolify calls a container healthy while it starts: what needs the database has to wait for an answer of its own.
        what: `${wanted.kind} ${wanted.name} running`,
        timeoutMs: 300_000,
        intervalMs: 1500,
        next: "Look at the database's log in Coolify, then run again.",
        async look() {
          const database = await coolify.get(`/databases/${uuid}`, Database);
          return running(database)
            ? { done: true, value: true }
            : { done: false, seen: `status ${database.status ?? "unknown"}` };
        },
      },
      context,
    );
  }
  // On the destination's network a database's host name is its uuid (379abb2, Models/StandalonePostgresql.php).
  return { uuid, host: uuid, port: wanted.port };
}

async function create(coolify: CoolifyClient, wanted: Wanted): Promise<{ uuid: string }> {
  const { projectUuid, environmentName, serverUuid, destinationUuid } = wanted.placement;
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

/** Another image, user, name or password takes a restart, and for data that is there much more than a new setting. */
function refuseOther(wanted: Wanted, found: z.output<typeof Database>): void {
  const differing = Object.entries({ image: wanted.image, ...wanted.fields }).filter(
    ([name, value]) => typeof found[name] === "string" && found[name] !== value,
  );
  if (differing.length === 0) return;
  const words = differing.map(([name, value]) =>
    name.endsWith("password") ? "another password" : `${name} ${String(found[name])} instead of ${value}`,
  );
  throw new OperationError("refused", {
    where: `Coolify, ${wanted.kind} ${wanted.name}`,
    what: `exists with ${words.join(", ")}.`,
    next: "Declare what it has, or change it in Coolify in a maintenance window (a new major version of PostgreSQL needs a dump and a restore).",
  });
}

function running({ status }: z.output<typeof Database>): boolean {
  return /^running:healthy/.test(status ?? "");
}

/** Starts a database unless it starts already, also when an earlier run asked for it a moment ago. */
async function start(coolify: CoolifyClient, uuid: string, { status }: z.output<typeof Database>): Promise<void> {
  if (/^(running|starting|restarting)/.test(status ?? "")) return;
  try {
    await coolify.send({ method: "POST", path: `/databases/${uuid}/start` }, z.unknown());
  } catch (error) {
    const starts = error instanceof CoolifyError && (error.status === 409 || /already running/.test(error.message));
    if (!starts) throw error;
  }
}

function required(env: Context["env"], name: string): string {
  const value = env[name];
  if (value !== undefined && /^[A-Za-z0-9]{16,}$/.test(value)) return value;
  throw new OperationError("usage", {
    where: name,
    what: "must be at least 16 letters and digits (Coolify refuses many other characters, and it stands in URLs).",
    next: "Generate one.",
  });
}
