import type Docker from "dockerode";
import { madeBy } from "./mark.ts";

const graceSeconds = 30;

/** Removes from somebody else's engine everything that a sandbox made there, and nothing else: containers, the volumes they used, the network. */
export async function removeTraces(docker: Docker, folder: string): Promise<void> {
  const containers = await docker.listContainers({ all: true, filters: madeBy(folder) });
  await Promise.all(
    containers.map(async ({ Id }) => {
      const container = docker.getContainer(Id);
      await container.stop({ t: graceSeconds }).catch(gone);
      await container.remove({ force: true, v: true }).catch(gone);
    }),
  );
  const { Volumes } = await docker.listVolumes({ filters: madeBy(folder) });
  for (const { Name } of Volumes ?? []) await docker.getVolume(Name).remove().catch(gone);
  for (const { Id } of await docker.listNetworks({ filters: madeBy(folder) })) {
    await docker.getNetwork(Id).remove().catch(gone);
  }
}

/** It was stopped already, or is gone: what was wanted. */
function gone(error: unknown): void {
  const status = typeof error === "object" && error !== null && "statusCode" in error ? error.statusCode : undefined;
  if (status !== 304 && status !== 404) throw error;
}
