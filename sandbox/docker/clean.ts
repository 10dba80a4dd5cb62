import type Docker from "dockerode";
import { madeBy } from "./mark.ts";
import { standInLabel } from "./stand-in.ts";

const graceSeconds = 30;

/** What images of a sandbox are known by: stand-ins, and those built by sandbox/images. */
const imageLabels = [standInLabel, "io.affexai.base"];

/**
 * Removes from somebody else's engine everything that a sandbox made there, and nothing else: containers, their volumes, the network, and the images that
 * were made here. What was pulled from Docker Hub stays.
 */
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
  for (const label of imageLabels) {
    for (const { Id } of await docker.listImages({ filters: JSON.stringify({ label: [label] }) })) {
      await docker.getImage(Id).remove({ force: true }).catch(goneOrInUse);
    }
  }
}

/** Another sandbox's container may run from it. */
function goneOrInUse(error: unknown): void {
  if (statusOf(error) !== 409) gone(error);
}

/** It was stopped already, or is gone: what was wanted. */
function gone(error: unknown): void {
  const status = statusOf(error);
  if (status !== 304 && status !== 404) throw error;
}

function statusOf(error: unknown): unknown {
  return typeof error === "object" && error !== null && "statusCode" in error ? error.statusCode : undefined;
}
