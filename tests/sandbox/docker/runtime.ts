import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type Docker from "dockerode";
import { answers, engineAddress } from "../../../sandbox/docker/engine-address.ts";
import { platformImages, startDockerRuntime } from "../../../sandbox/docker/server.ts";
import { whyNoContainers } from "../../../sandbox/docker/why-no-containers.ts";
import { freePort } from "../../../sandbox/processes/free-port.ts";
import { findProgram } from "../../../sandbox/setup/program-path.ts";
import { buildFolder } from "../../../sandbox/workload/build.ts";

/** A runtime of a test's own, on the machine's engine or one of its own. */
export interface TestRuntime {
  readonly folder: string;
  readonly hostsFile: string;
  readonly docker: Docker;
  /** The engine's API over TCP. */
  readonly address: { readonly host: string; readonly port: number };
  close(): Promise<void>;
  /** Closes it and removes its folder. */
  remove(): Promise<void>;
}

/** Why containers of a Docker engine cannot run here; null where they can. */
export async function whyNoDocker(): Promise<string | null> {
  if (await answers(engineAddress(process.env["DOCKER_HOST"]))) return null;
  const dockerd = await findProgram("dockerd");
  const why = dockerd === null ? "dockerd (Debian's docker.io) is not installed" : await whyNoContainers();
  return why === null ? null : `no Docker engine answers, and ${why}`;
}

/** `images`: names of the base images that it provides. `gatewayPorts`: of this machine, reached from containers. */
export async function openRuntime(
  images: readonly string[],
  { gatewayPorts = [] }: { gatewayPorts?: readonly number[] } = {},
): Promise<TestRuntime> {
  const home = await mkdtemp(join(tmpdir(), "affexai-docker-"));
  const [hostsFile, port] = [join(home, "hosts.json"), await freePort("127.0.0.1")];
  const { docker, close } = await startDockerRuntime({
    host: "127.0.0.1",
    port,
    folder: home,
    hostsFile,
    cacheDir: join(buildFolder, "base"),
    gatewayPorts,
    images: platformImages.filter(({ name }) => images.includes(name)),
    note: () => undefined,
  });
  return {
    folder: home,
    hostsFile,
    docker,
    address: { host: "127.0.0.1", port },
    close,
    async remove() {
      await close();
      await rm(home, { recursive: true, force: true });
    },
  };
}
