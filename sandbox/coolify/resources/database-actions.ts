import type Docker from "dockerode";
import type { Coolify } from "../context.ts";
import { bytes } from "../deployments/run-options.ts";
import { slug } from "../deployments/labels.ts";
import { plain } from "../json.ts";
import type { Database } from "../records.ts";
import { locate, placeOf } from "./lookup.ts";

const second = 1_000_000_000;

/**
 * Starts a database: pull, stop what runs (10 s) and remove it, create, start. A failed pull is passed over when the image is there, as
 * in Coolify's script. Source: Coolify 379abb2, app/Actions/Database/StartPostgresql.php and StartRedis.php.
 */
export async function startDatabase(coolify: Coolify, database: Database): Promise<void> {
  const { engine, logins } = coolify;
  const { destination } = locate(coolify, database);
  const image = plain(database.columns.image);
  await engine.ensureNetwork(destination.network);
  const pulled = await engine.pull(image, await logins.find(image)).then(
    () => undefined,
    (error: unknown) => error,
  );
  await stopContainer(coolify, database, 10);
  try {
    await engine.create(options(coolify, database));
  } catch (error) {
    throw pulled ?? error;
  }
  await engine.start(database.uuid);
}

/** Stops a database (30 s) and removes its container; the volume stays. */
export async function stopDatabase(coolify: Coolify, database: Database): Promise<void> {
  await stopContainer(coolify, database, 30);
}

/** Stops it and forgets it, even when the engine fails; the volume goes too unless told otherwise. */
export async function removeDatabase(
  coolify: Coolify,
  database: Database,
  { deleteVolumes }: { deleteVolumes: boolean },
): Promise<void> {
  const { state } = coolify.store;
  const mine = ({ owner, ownerId }: { owner: string; ownerId: number }): boolean =>
    owner === "database" && ownerId === database.id;
  try {
    await stopDatabase(coolify, database);
    for (const { name } of state.storages.filter(mine)) {
      if (deleteVolumes && name !== null) await coolify.engine.removeVolume(name);
    }
  } catch (error) {
    if (coolify.signal.aborted) throw error;
  }
  state.databases = state.databases.filter(({ id }) => id !== database.id);
  state.backups = state.backups.filter(({ databaseId }) => databaseId !== database.id);
  state.variables = state.variables.filter((variable) => !mine(variable));
  state.storages = state.storages.filter((storage) => !mine(storage));
  await coolify.store.save();
}

async function stopContainer(coolify: Coolify, { uuid }: Database, seconds: number): Promise<void> {
  await coolify.engine.stop(uuid, seconds);
  await coolify.engine.remove(uuid);
}

function options(coolify: Coolify, database: Database): Docker.ContainerCreateOptions {
  const { uuid, columns, kind } = database;
  const { network } = locate(coolify, database).destination;
  const own = coolify.store.state.variables.filter((row) => row.owner === "database" && row.ownerId === database.id);
  const set = new Map(own.map(({ key, value }) => [key, value ?? ""]));
  const text = (name: string): string => plain(columns[name]);
  if (kind === "postgresql") {
    const defaults = {
      POSTGRES_USER: "postgres_user",
      PGUSER: "postgres_user",
      POSTGRES_PASSWORD: "postgres_password",
      POSTGRES_DB: "postgres_db",
    };
    for (const [key, column] of Object.entries(defaults)) if (!set.has(key)) set.set(key, text(column));
  } else {
    set.set("REDIS_PASSWORD", text("redis_password"));
    set.set("REDIS_USERNAME", text("redis_username"));
  }
  const test =
    kind === "postgresql"
      ? ["CMD", "psql", "-U", text("postgres_user"), "-d", text("postgres_db"), "-c", "SELECT 1"]
      : ["CMD-SHELL", "redis-cli", "ping"];
  return {
    name: uuid,
    Image: text("image"),
    Env: [...set].map(([key, value]) => `${key}=${value}`),
    ...(kind === "redis"
      ? { Cmd: ["redis-server", "--requirepass", text("redis_password"), "--appendonly", "yes"] }
      : {}),
    Labels: { ...labels(coolify, database), "com.docker.compose.project": uuid, "com.docker.compose.service": uuid },
    ...(columns.health_check_enabled === true
      ? {
          Healthcheck: {
            Test: test,
            Interval: Number(columns.health_check_interval) * second,
            Timeout: Number(columns.health_check_timeout) * second,
            Retries: Number(columns.health_check_retries),
            StartPeriod: Number(columns.health_check_start_period) * second,
          },
        }
      : {}),
    HostConfig: {
      RestartPolicy: { Name: "unless-stopped" },
      NetworkMode: network,
      Binds: coolify.store.state.storages
        .filter(({ owner, ownerId }) => owner === "database" && ownerId === database.id)
        .map(({ host_path, name, mount_path }) => `${host_path ?? name ?? ""}:${mount_path}`),
      Memory: bytes(text("limits_memory")),
      MemorySwap: bytes(text("limits_memory_swap")),
      MemoryReservation: bytes(text("limits_memory_reservation")),
      NanoCpus: Math.round(Number(columns.limits_cpus) * 1e9),
      CpuShares: Number(columns.limits_cpu_shares),
    },
    NetworkingConfig: { EndpointsConfig: { [network]: { Aliases: [uuid] } } },
  };
}

function labels(coolify: Coolify, database: Database): Record<string, string> {
  const { environment, project } = placeOf(coolify, database);
  const name = slug(plain(database.columns.name));
  return {
    "coolify.managed": "true",
    "coolify.type": "database",
    "coolify.databaseId": `${database.id}`,
    "coolify.resourceName": name,
    "coolify.serviceName": name,
    "coolify.projectName": slug(project.name),
    "coolify.environmentName": slug(environment.name),
    "coolify.database.subType": `standalone-${database.kind}`,
  };
}
