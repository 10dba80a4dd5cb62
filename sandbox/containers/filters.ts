import type { Container } from "./container.ts";
import { DockerError } from "./docker-error.ts";
import type { EngineEvent } from "./events.ts";

/** The query parameter `filters`: names to the values of which one has to match. */
export type Filters = Readonly<Record<string, readonly string[]>>;

/** Reads `{"label":["a=b"]}` and the older `{"label":{"a=b":true}}`. Throws 400 for anything else. */
export function parseFilters(text: string | null): Filters {
  if (text === null || text === "") return {};
  try {
    const value = JSON.parse(text) as Record<string, string[] | Record<string, boolean>>;
    return Object.fromEntries(
      Object.entries(value).map(([name, values]) => [
        name,
        Array.isArray(values) ? values.map(String) : Object.keys(values),
      ]),
    );
  } catch (cause) {
    throw new DockerError(400, "invalid filter", { cause });
  }
}

const containerFilters: Readonly<Record<string, (container: Container, value: string) => boolean>> = {
  id: ({ id }, value) => id.startsWith(value),
  name: ({ record }, value) => new RegExp(value).test(`/${record.name}`) || new RegExp(value).test(record.name),
  label: ({ record }, value) => hasLabel(record.config.Labels ?? {}, value),
  status: ({ record }, value) => record.state.status === value,
  health: (container, value) => (container.health()?.status ?? "none") === value,
  network: ({ record }, value) =>
    Object.entries(record.endpoints).some(([name, { networkId }]) => name === value || networkId.startsWith(value)),
  ancestor: ({ record }, value) =>
    record.image === value || record.imageId === value || record.imageId === `sha256:${value}`,
};

/** Whether a container passes all filters. An unknown one is a 400, as in Docker. */
export function containerMatches(container: Container, filters: Filters): boolean {
  return Object.entries(filters).every(([name, values]) => {
    const matches = containerFilters[name];
    if (matches === undefined) throw new DockerError(400, `invalid filter '${name}'`);
    // Every label has to be there; of everything else one value is enough.
    return name === "label"
      ? values.every((value) => matches(container, value))
      : values.some((value) => matches(container, value));
  });
}

const eventFilters: Readonly<Record<string, (event: EngineEvent, value: string) => boolean>> = {
  type: (event, value) => event.Type === value,
  // `health_status` also finds `health_status: healthy`.
  event: (event, value) => event.Action === value || event.Action.startsWith(`${value}:`),
  container: ({ Type, Actor }, value) =>
    Type === "container" && (Actor.ID.startsWith(value) || Actor.Attributes.name === value.replace(/^\//, "")),
  image: ({ Actor }, value) => Actor.Attributes.image === value,
  label: ({ Actor }, value) => hasLabel(Actor.Attributes, value),
};

export function eventMatches(event: EngineEvent, filters: Filters): boolean {
  return Object.entries(filters).every(([name, values]) => {
    const matches = eventFilters[name];
    if (matches === undefined) throw new DockerError(400, `invalid filter '${name}'`);
    return values.some((value) => matches(event, value));
  });
}

/** `name` or `name=value`. */
export function hasLabel(labels: Readonly<Record<string, string>>, wanted: string): boolean {
  const equals = wanted.indexOf("=");
  return equals < 0 ? wanted in labels : labels[wanted.slice(0, equals)] === wanted.slice(equals + 1);
}
