import type Docker from "dockerode";
import type { Coolify } from "../context.ts";
import type { Application } from "../records.ts";
import { locate } from "../resources/lookup.ts";
import { regenerateLabels } from "../resources/application-labels.ts";
import { isBase64 } from "../validation/base64.ts";
import { healthCheck } from "./health-command.ts";
import { interpolate } from "./interpolate.ts";
import { defaultLabels, generatedLabels } from "./labels.ts";
import { bytes, runOptions } from "./run-options.ts";

/**
 * What docker compose asks the engine for, from the compose file that Coolify generates for an image (379abb2, generate_compose_file).
 * `application` is the copy read when the job started; labels are stored back in base64, as Coolify does.
 */
export function containerOptions(
  coolify: Coolify,
  application: Application,
  job: { containerName: string; image: string; labels: string[]; variables: ReadonlyMap<string, string> },
): Docker.ContainerCreateOptions {
  const { columns, uuid } = application;
  const { destination } = locate(coolify, application);
  const { network } = destination;
  const options = runOptions(columns.custom_docker_run_options);
  const health = healthCheck(columns);
  const ports = columns.ports_exposes?.split(",") ?? [];
  const mappings = columns.ports_mappings?.split(",").map((mapping) => mapping.split(":")) ?? [];
  const aliases = columns.custom_network_aliases?.split(",") ?? [];
  const binds = coolify.store.state.storages
    .filter(({ owner, ownerId }) => owner === "application" && ownerId === application.id)
    .map((storage) => `${storage.host_path ?? storage.name ?? storage.fs_path ?? ""}:${storage.mount_path}`);
  return {
    name: job.containerName,
    Image: job.image,
    Env: [...job.variables].map(([key, value]) => `${key}=${value}`),
    Labels: composeLabels(job.labels, job.variables, { project: uuid, service: job.containerName }),
    ...(health === undefined ? {} : { Healthcheck: health.config }),
    ...(options.hostname === undefined ? {} : { Hostname: options.hostname }),
    ...(options.entrypoint === undefined ? {} : { Entrypoint: options.entrypoint }),
    ExposedPorts: Object.fromEntries(
      [...ports, ...mappings.map(([, port]) => port ?? "")].map((port) => [`${port}/tcp`, {}]),
    ),
    HostConfig: {
      RestartPolicy: { Name: "unless-stopped" },
      NetworkMode: network,
      ...(binds.length === 0 ? {} : { Binds: binds }),
      ...(mappings.length === 0
        ? {}
        : {
            PortBindings: Object.fromEntries(
              mappings.map(([host, port]) => [`${port}/tcp`, [{ HostPort: host ?? "" }]]),
            ),
          }),
      Memory: bytes(columns.limits_memory),
      MemorySwap: bytes(columns.limits_memory_swap),
      MemoryReservation: bytes(columns.limits_memory_reservation),
      NanoCpus: Math.round(Number(columns.limits_cpus) * 1e9),
      CpuShares: columns.limits_cpu_shares,
      ...(columns.limits_cpuset === null ? {} : { CpusetCpus: columns.limits_cpuset }),
      ...options.hostConfig,
    },
    NetworkingConfig: { EndpointsConfig: { [network]: { Aliases: [job.containerName, ...aliases] } } },
  };
}

/**
 * The label lines of a deployment. With custom labels these lines exactly, minus those that start with `coolify.`; without any, labels made of
 * the domains. Then Coolify's own. Custom labels are stored back as base64.
 */
export function labelLines(coolify: Coolify, application: Application): string[] {
  const { columns, settings } = application;
  let lines: string[] = [];
  if (columns.custom_labels !== null && columns.custom_labels !== "") {
    const text = isBase64(columns.custom_labels)
      ? Buffer.from(columns.custom_labels, "base64").toString("utf8")
      : columns.custom_labels;
    lines = text.split(/\r\n|\n|\r/).filter((line) => !line.startsWith("coolify."));
    storeLabels(coolify, application, Buffer.from(lines.join("\n")).toString("base64"));
  } else if (settings.is_container_label_readonly_enabled) {
    regenerateLabels(coolify, application);
    lines = generatedLabels(coolify, application);
  }
  const escaped = settings.is_container_label_escape_enabled
    ? lines.map((line) => line.replaceAll("$", "$$$$"))
    : lines;
  return [...escaped, ...defaultLabels(coolify, application)];
}

function storeLabels(coolify: Coolify, copy: Application, labels: string): void {
  const record = coolify.store.state.applications.find(({ id }) => id === copy.id);
  if (record !== undefined && record.columns.custom_labels === copy.columns.custom_labels) {
    record.columns.custom_labels = labels;
  }
  copy.columns.custom_labels = labels;
}

/** Compose interpolates every line, then splits it at the first `=`, and adds its own labels. Empty lines make no label. */
function composeLabels(
  lines: string[],
  variables: ReadonlyMap<string, string>,
  { project, service }: { project: string; service: string },
): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const line of lines) {
    if (line === "") continue;
    const text = interpolate(line, (name) => variables.get(name));
    const at = text.indexOf("=");
    labels[at < 0 ? text : text.slice(0, at)] = at < 0 ? "" : text.slice(at + 1);
  }
  return {
    ...labels,
    "com.docker.compose.project": project,
    "com.docker.compose.service": service,
    "com.docker.compose.container-number": "1",
    "com.docker.compose.oneoff": "False",
  };
}
