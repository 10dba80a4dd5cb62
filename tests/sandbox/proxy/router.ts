import { spawn } from "node:child_process";
import { once } from "node:events";
import { startProxy } from "../../../sandbox/proxy/server.ts";
import { findTraefik } from "../../../sandbox/setup/find-traefik.ts";
import { freePort } from "../../../sandbox/processes/free-port.ts";
import { until } from "../containers/fixture.ts";

/** A reverse proxy that reads containers' labels: ours, or the real one to judge it by. */
export interface Router {
  readonly url: string;
  readonly port: number;
  /** Names of the routers at work, without the provider's suffix. */
  routers(): Promise<string[]>;
  /** By URL, of one service. */
  servers(service: string): Promise<Record<string, string>>;
  close(): Promise<void>;
}

interface RawData {
  readonly routers?: Record<string, { status: string }>;
  readonly services?: Record<string, { serverStatus?: Record<string, string> }>;
}

const binary = await findTraefik();

/** Said where the real one cannot take part. */
export const noTraefik =
  "No binary of Traefik on PATH or in AFFEXAI_TRAEFIK, so nothing is compared with the real one.";

/** The implementations that the same tests run against. The real Traefik takes part where its binary is found. */
export const implementations: Readonly<
  Record<string, ((docker: { host: string; port: number }) => Promise<Router>) | null>
> = {
  "sandbox proxy": startOurs,
  Traefik: binary === null ? null : (docker) => startTraefik(binary, docker),
};

async function startOurs(docker: { host: string; port: number }): Promise<Router> {
  const proxy = await startProxy({ host: "127.0.0.1", port: 0, docker, log: () => undefined });
  return withState(proxy.url, `${proxy.url}/_sandbox/state`, () => proxy.close());
}

async function startTraefik(binary: string, docker: { host: string; port: number }): Promise<Router> {
  const [port, apiPort] = [await freePort("127.0.0.1"), await freePort("127.0.0.1")];
  const traefik = spawn(
    binary,
    [
      `--providers.docker.endpoint=tcp://${docker.host}:${docker.port}`,
      "--providers.docker.network=coolify",
      "--providers.docker.exposedbydefault=false",
      `--entrypoints.http.address=127.0.0.1:${port}`,
      `--entrypoints.traefik.address=127.0.0.1:${apiPort}`,
      "--api.insecure=true",
      "--ping=true",
      "--log.level=ERROR",
      "--global.checknewversion=false",
      "--global.sendanonymoususage=false",
    ],
    { stdio: ["ignore", "ignore", process.env["AFFEXAI_TRAEFIK_LOG"] === undefined ? "ignore" : "inherit"] },
  );
  await until("Traefik", async () => (await fetch(`http://127.0.0.1:${apiPort}/ping`)).ok);
  return withState(`http://127.0.0.1:${port}`, `http://127.0.0.1:${apiPort}/api/rawdata`, async () => {
    const exited = once(traefik, "exit");
    traefik.kill("SIGKILL");
    await exited;
  });
}

function withState(url: string, stateUrl: string, close: () => Promise<void>): Router {
  const state = async () => (await (await fetch(stateUrl)).json()) as RawData;
  return {
    url,
    port: Number(new URL(url).port),
    async routers() {
      const enabled = Object.entries((await state()).routers ?? {}).filter(([, { status }]) => status === "enabled");
      return enabled
        .map(([name]) => name)
        .filter((name) => name.endsWith("@docker"))
        .map((name) => name.replace("@docker", ""))
        .sort();
    },
    async servers(service) {
      return (await state()).services?.[`${service}@docker`]?.serverStatus ?? {};
    },
    close,
  };
}
