import type Docker from "dockerode";
import { OperationError } from "../../operations/error.ts";
import { madeMark, sandboxLabel } from "./mark.ts";

/** The network that Coolify's installer makes, and its proxy looks for containers on. */
export const networkName = "coolify";

/**
 * Makes the network, or finds the one that this sandbox made before. Returns the machine's address on it. Refuses a network of that name that is not
 * ours: a real Coolify, or another sandbox, lives on it.
 */
export async function provideNetwork(docker: Docker, folder: string, bridge: string): Promise<string> {
  const [found] = (await docker.listNetworks()).filter(({ Name }) => Name === networkName);
  if (found === undefined) {
    await docker.createNetwork({
      Name: networkName,
      Attachable: true,
      Labels: madeMark(folder),
      Options: { "com.docker.network.bridge.name": bridge },
    });
  } else if (found.Labels?.[sandboxLabel] !== folder) {
    const owner = found.Labels?.[sandboxLabel];
    throw new OperationError("refused", {
      where: "docker runtime",
      what: `the engine has a network ${networkName} already, of ${owner === undefined ? "a Coolify or somebody else" : `the sandbox in ${owner}`}.`,
      next:
        owner === undefined
          ? "Name another engine of this machine in DOCKER_HOST."
          : "Stop that one first: ./affexai sandbox down with its AFFEXAI_SANDBOX_DIR.",
    });
  }
  const { IPAM } = await docker.getNetwork(networkName).inspect();
  const gateway = IPAM?.Config?.[0]?.Gateway;
  if (gateway === undefined) throw new Error(`The network ${networkName} has no gateway.`);
  return gateway;
}
