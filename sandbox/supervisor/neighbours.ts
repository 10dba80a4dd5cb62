import { readdir } from "node:fs/promises";
import { join, relative } from "node:path";
import { root } from "../setup/paths.ts";
import { runningSupervisor } from "./record.ts";

/** Another sandbox of this repository that runs. */
export interface Neighbour {
  /** Its ports. */
  readonly ports: ReadonlySet<number>;
  /** What it is, for people. */
  readonly what: string;
  /** The command that stops it, from any shell in the repository. */
  readonly down: string;
}

/** The sandboxes that run in `.sandbox` and in its folders, where the demo and the scenarios have theirs; all but the one of `own`. */
export async function neighbours(own: string, home = join(root, ".sandbox")): Promise<Neighbour[]> {
  const entries = await readdir(home, { withFileTypes: true }).catch(() => []);
  const folders = [home, ...entries.filter((one) => one.isDirectory()).map(({ name }) => join(home, name))];
  const found = await Promise.all(
    folders.map(async (folder): Promise<Neighbour[]> => {
      const record = folder === own ? null : await runningSupervisor(folder);
      if (record === null) return [];
      const place = relative(root, folder);
      return [
        {
          ports: new Set(record.services.map(({ url }) => Number(new URL(url).port))),
          what: `The sandbox in ${place} runs on these ports since ${record.since} (process ${record.process.pid}).`,
          down: `AFFEXAI_SANDBOX_DIR=${place} ./affexai sandbox down`,
        },
      ];
    }),
  );
  return found.flat();
}
