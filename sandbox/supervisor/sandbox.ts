import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { OperationError } from "../../operations/error.ts";
import { sandboxFolder } from "../setup/paths.ts";

/** What containers are: processes of this machine, or containers of a Docker engine behind a real Traefik. */
export const runtimes = ["processes", "docker"] as const;
export type Runtime = (typeof runtimes)[number];

/** Where one sandbox lives: its state, its addresses. Everything is on loopback. */
export interface Sandbox {
  /** The state folder. */
  readonly folder: string;
  /** Of the state folder, for good: another one's containers and images would not be there. */
  readonly runtime: Runtime;
  readonly host: "127.0.0.1";
  readonly ports: Readonly<Record<ServiceName, number>>;
  /** Names of containers and networks, for processes outside of containers. */
  readonly hostsFile: string;
  /** Providers' stand-ins live here and nowhere else: a run on a real stack must not find them. */
  readonly pulumiHome: string;
  /** Pulumi's file backend. */
  readonly pulumiState: string;
  readonly logs: string;
  /** Which release of Coolify its stand-in plays. */
  readonly coolifyVersion: string;
}

/** The services in the order of their ports. */
export const serviceNames = ["proxy", "coolify", "s3", "registry", "github", "containers"] as const;
export type ServiceName = (typeof serviceNames)[number];

/** The first of the ports that `Pulumi.sandbox.yaml` names. */
export const defaultBasePort = 7300;

/** Reads AFFEXAI_SANDBOX_DIR, AFFEXAI_SANDBOX_PORT (the first of six ports) and AFFEXAI_SANDBOX_COOLIFY (a version). */
export function describeSandbox(env: Readonly<Record<string, string | undefined>>): Sandbox {
  const folder = sandboxFolder(env);
  const base = basePort(env["AFFEXAI_SANDBOX_PORT"]);
  return {
    folder,
    runtime: recordedRuntime(folder) ?? "processes",
    host: "127.0.0.1",
    ports: {
      proxy: base,
      coolify: base + 1,
      s3: base + 2,
      registry: base + 3,
      github: base + 4,
      containers: base + 5,
    },
    hostsFile: join(folder, "hosts.json"),
    pulumiHome: join(folder, "pulumi-home"),
    pulumiState: join(folder, "pulumi-state"),
    logs: join(folder, "logs"),
    coolifyVersion: coolifyVersion(env["AFFEXAI_SANDBOX_COOLIFY"]),
  };
}

/** Names in stack files and tests that stand for this machine's loopback, also as containers see it. */
export const loopbackNames = [
  "s3.sandbox.localhost",
  "registry.sandbox.localhost",
  "github.sandbox.localhost",
  "affexai.localhost",
  "api.affexai.localhost",
  "bare.affexai.localhost",
];

/** The file that says which runtime a state folder belongs to. */
export function runtimeFile(folder: string): string {
  return join(folder, "runtime");
}

/** The runtime that a state folder belongs to; null when nothing was ever started on it. */
export function recordedRuntime(folder: string): Runtime | null {
  const file = runtimeFile(folder);
  if (!existsSync(file)) return existsSync(join(folder, "supervisor.json")) ? "processes" : null;
  const recorded = readFileSync(file, "utf8").trim();
  const known = runtimes.find((runtime) => runtime === recorded);
  if (known !== undefined) return known;
  throw new OperationError("refused", {
    where: file,
    what: `must say ${runtimes.join(" or ")}, got ${JSON.stringify(recorded)}.`,
    next: "Stop the sandbox (./affexai sandbox down), remove the state folder and start it again.",
  });
}

/** `http://127.0.0.1:<port>` of a service, as processes of this machine reach it. */
export function addressOf({ host, ports }: Sandbox, service: ServiceName): string {
  return `http://${host}:${ports[service]}`;
}

/** The sandbox's own way to its engine, as the docker client takes it. */
export function ownDockerHost({ host, ports }: Sandbox): string {
  return `tcp://${host}:${ports.containers}`;
}

/** The engine that somebody names for the sandbox to run on: DOCKER_HOST, unless `sandbox env` has set it. */
export function givenDockerHost(
  sandbox: Sandbox,
  env: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const given = env["DOCKER_HOST"];
  return given === "" || given === ownDockerHost(sandbox) ? undefined : given;
}

function basePort(given: string | undefined): number {
  if (given === undefined || given === "") return defaultBasePort;
  const port = Number(given);
  if (Number.isInteger(port) && port >= 1024 && port <= 65535 - serviceNames.length) return port;
  throw new OperationError("usage", {
    where: "AFFEXAI_SANDBOX_PORT",
    what: `must be a whole number from 1024 to ${65535 - serviceNames.length}, got ${JSON.stringify(given)}.`,
    next: `Leave it out for ${defaultBasePort}, or name the first of ${serviceNames.length} free ports.`,
  });
}

function coolifyVersion(given: string | undefined): string {
  if (given === undefined || given === "") return "4.4.7";
  if (/^4\.[1-7](\.\d+)?$/.test(given)) return given;
  throw new OperationError("usage", {
    where: "AFFEXAI_SANDBOX_COOLIFY",
    what: `must be a version that the stand-in plays, 4.1 to 4.7, got ${JSON.stringify(given)}.`,
    next: "Leave it out for 4.4.7, or name one such as 4.3 or 4.6.1.",
  });
}
