import { join } from "node:path";
import { OperationError } from "../../operations/error.ts";
import { sandboxFolder } from "../setup/paths.ts";

/** Where one sandbox lives: its state, its addresses. Everything is on loopback. */
export interface Sandbox {
  /** The state folder. */
  readonly folder: string;
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

/** `http://127.0.0.1:<port>` of a service, as processes of this machine reach it. */
export function addressOf({ host, ports }: Sandbox, service: ServiceName): string {
  return `http://${host}:${ports[service]}`;
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
