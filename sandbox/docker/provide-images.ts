import type Docker from "dockerode";
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
  for (const { name, standIn } of wanted) {
    const there = await docker
      .getImage(name)
      .inspect()
      .catch(() => null);
    if (there !== null && there.Config.Labels?.[standInLabel] === undefined) continue;
    // A stand-in stays one: an image that changes with the network would be two platforms under one name.
    if (there === null && reachable) {
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
