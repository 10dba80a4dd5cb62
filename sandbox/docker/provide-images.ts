import type Docker from "dockerode";
import { OperationError } from "../../operations/error.ts";
import { loadStandIn, type StandIn, standInLabel } from "./stand-in.ts";

const pullWithinMs = 10 * 60_000;

export interface ImageSupply {
  readonly docker: Docker;
  /** Keeps the layers of stand-ins for the next time. */
  readonly cacheDir: string;
  /** A line for people. */
  readonly note: (line: string) => void;
}

export interface WantedImage {
  readonly name: string;
  /** Made when the image cannot be pulled. */
  readonly standIn: () => Promise<StandIn>;
  /** Why the official image is of no use on this machine; null when it is. */
  readonly unusable?: () => Promise<string | null>;
}

/**
 * Makes sure that the engine has these images: those it has, those that it can pull, and stand-ins for the rest. One image that cannot be pulled
 * is taken for a machine without a way to the registry, and nothing more is tried.
 */
export async function provideImages(
  { docker, cacheDir, note }: ImageSupply,
  wanted: readonly WantedImage[],
): Promise<void> {
  let reachable = true;
  for (const { name, standIn, unusable } of wanted) {
    const there = await docker
      .getImage(name)
      .inspect()
      .catch(() => null);
    const why = (await unusable?.()) ?? null;
    if (there !== null && there.Config.Labels?.[standInLabel] === undefined) {
      if (why === null) continue;
      throw new OperationError("refused", {
        where: "docker runtime",
        what: `the engine has the official ${name}, and ${why}.`,
        next: "Install the client programs of that version, or name another engine of this machine in DOCKER_HOST.",
      });
    }
    // A stand-in stays one: an image that changes with the network would be two platforms under one name.
    if (there === null && reachable && why === null) {
      const problem = await pull(docker, name);
      if (problem === null) {
        note(`pulled ${name}`);
        continue;
      }
      note(`${name} cannot be pulled: ${problem}`);
      reachable = false;
    }
    const made = await standIn();
    await loadStandIn(docker, made, cacheDir);
    note(`stand-in for ${name}: ${made.title}`);
  }
}

async function pull(docker: Docker, name: string): Promise<string | null> {
  try {
    const stream = await docker.pull(name, { abortSignal: AbortSignal.timeout(pullWithinMs) });
    await new Promise<void>((resolve, reject) => {
      docker.modem.followProgress(stream, (error) => (error === null ? resolve() : reject(error)));
    });
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
