import { DockerError } from "../docker-error.ts";
import type { ContainerEngine } from "../engine.ts";
import { endpointOn } from "../create.ts";
import { hasLabel, parseFilters } from "../filters.ts";
import { flag, type Route } from "../router.ts";
import { networkView } from "../views.ts";

interface Membership {
  readonly Container?: string;
  readonly Force?: boolean;
  readonly EndpointConfig?: { readonly Aliases?: readonly string[] | null } | null;
}

/** Networks and volumes. */
export function networkRoutes(engine: ContainerEngine): readonly Route[] {
  const { networks } = engine;
  const view = (name: string) => networkView(networks.get(name), engine.addresses.prefix, engine.all());
  return [
    ["GET", "/networks", async ({ query }) => ({ status: 200, json: list(engine, query).map(view) })],
    [
      "POST",
      "/networks/create",
      async ({ body }) => {
        const network = await networks.create(await body());
        engine.events.emit("network", "create", network.id, { name: network.name, type: network.driver });
        return { status: 201, json: { Id: network.id, Warning: "" } };
      },
    ],
    [
      "POST",
      "/networks/:id/connect",
      async ({ path, body }) => {
        const { Container: container = "", EndpointConfig: endpoint } = await body<Membership>();
        await connect(engine, path["id"] ?? "", container, endpoint?.Aliases ?? []);
        return { status: 200 };
      },
    ],
    [
      "POST",
      "/networks/:id/disconnect",
      async ({ path, body }) => {
        const { Container: container = "" } = await body<Membership>();
        await disconnect(engine, path["id"] ?? "", container);
        return { status: 200 };
      },
    ],
    ["GET", "/networks/:id", async ({ path }) => ({ status: 200, json: view(path["id"] ?? "") })],
    [
      "DELETE",
      "/networks/:id",
      async ({ path }) => {
        const attached = (name: string) =>
          engine.all().some(({ record }) => record.state.address !== null && name in record.endpoints);
        const network = await networks.remove(path["id"] ?? "", ({ name }) => attached(name));
        engine.events.emit("network", "destroy", network.id, { name: network.name, type: network.driver });
        return { status: 204 };
      },
    ],
    [
      "GET",
      "/volumes",
      async () => ({
        status: 200,
        json: {
          Volumes: (await engine.volumes()).map((Name) => ({ Name, Driver: "local", Scope: "local" })),
          Warnings: [],
        },
      }),
    ],
    [
      "DELETE",
      "/volumes/:name",
      async ({ path, query }) => {
        await engine.removeVolume(path["name"] ?? "").catch((error: unknown) => {
          const absent = error instanceof DockerError && error.status === 404;
          if (!absent || !flag(query, "force")) throw error;
        });
        return { status: 204 };
      },
    ],
  ];
}

function list(engine: ContainerEngine, query: URLSearchParams): string[] {
  const { name = [], id = [], label = [], ...unknown } = parseFilters(query.get("filters"));
  const [other] = Object.keys(unknown);
  if (other !== undefined) throw new DockerError(400, `invalid filter '${other}'`);
  return engine.networks
    .all()
    .filter((network) => name.length === 0 || name.some((part) => network.name.includes(part)))
    .filter((network) => id.length === 0 || id.some((part) => network.id.startsWith(part)))
    .filter((network) => label.every((wanted) => hasLabel(network.labels, wanted)))
    .map((network) => network.id);
}

async function connect(
  engine: ContainerEngine,
  networkName: string,
  name: string,
  aliases: readonly string[],
): Promise<void> {
  const network = engine.networks.get(networkName);
  const container = engine.get(name);
  if (network.name in container.record.endpoints) {
    throw new DockerError(403, `endpoint with name ${container.record.name} already exists in network ${network.name}`);
  }
  container.record.endpoints[network.name] = endpointOn(network, aliases);
  await container.save();
  await engine.publishNames();
  engine.events.emit("network", "connect", network.id, {
    container: container.id,
    name: network.name,
    type: network.driver,
  });
}

async function disconnect(engine: ContainerEngine, networkName: string, name: string): Promise<void> {
  const network = engine.networks.get(networkName);
  const container = engine.get(name);
  if (!(network.name in container.record.endpoints)) {
    throw new DockerError(403, `container ${container.id} is not connected to network ${network.name}`);
  }
  delete container.record.endpoints[network.name];
  await container.save();
  await engine.publishNames();
  engine.events.emit("network", "disconnect", network.id, {
    container: container.id,
    name: network.name,
    type: network.driver,
  });
}
