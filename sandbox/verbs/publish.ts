import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Progress } from "../../operations/progress.ts";
import { createRelease } from "../../operations/release/create.ts";
import type { ReleaseRecord } from "../../operations/release/spec.ts";
import type { Context } from "../../operations/verb.ts";
import { nodeImage } from "../docker/base-images.ts";
import { connectEngine } from "../docker/engine-address.ts";
import { savedImage } from "../docker/saved-image.ts";
import type { BaseImage } from "../images/build.ts";
import { describeSandbox, type Sandbox } from "../supervisor/sandbox.ts";
import { buildFolder } from "../workload/build.ts";
import { publishReleases } from "../workload/publish.ts";
import { sandboxEnvironment } from "./environment.ts";

/** A release of the workload that the sandbox's registry holds. */
export interface RecordedRelease {
  readonly record: ReleaseRecord;
  /** The record's file in the state folder, for AFFEXAI_RELEASE. */
  readonly file: string;
}

/** Those of the workload. The last two change what the release that serves lives on, and say so. */
const releases = [
  { number: 1, maintenance: false },
  { number: 2, maintenance: false },
  { number: 3, maintenance: false },
  { number: 4, maintenance: true },
  { number: 5, maintenance: true },
];

/**
 * Builds the workload's releases, pushes them to the sandbox's registry, and makes their records as people make them. What is built
 * already is found again.
 */
export async function sandboxPublish({ env: given, signal, progress }: Context): Promise<RecordedRelease[]> {
  const sandbox = describeSandbox(given);
  const env: Context["env"] = { ...given, ...(await sandboxEnvironment(given)) };
  const base = await baseOf(sandbox, progress);
  const published = await progress.step("build and push the releases of the workload", (inner) =>
    publishReleases({
      releases: releases.map(({ number }) => number),
      dir: buildFolder,
      progress: inner,
      signal,
      ...(base && { base }),
      registry: `${sandbox.host}:${sandbox.ports.registry}`,
      auth: { username: env.REGISTRY_USERNAME ?? "", password: env.REGISTRY_PASSWORD ?? "" },
    }),
  );
  return progress.step("make their release records", async (inner) => {
    const made: RecordedRelease[] = [];
    for (const [at, { id, images }] of published.entries()) {
      const record = await createRelease(
        {
          backend: images.backend.reference,
          frontend: images.frontend.reference,
          maintenance: releases[at]?.maintenance ?? false,
          imageRuntime: sandbox.runtime === "docker" ? "docker" : "unpacked",
          dataSource: "dist/database/data-source.js",
          nodePath: "node",
        },
        { env, signal, progress: inner },
      );
      const file = join(sandbox.folder, `${id}.json`);
      await writeFile(file, `${JSON.stringify(record, null, 2)}\n`);
      made.push({ record, file });
    }
    return made;
  });
}

/** A Docker engine pulls images whole; processes have Node already. */
async function baseOf(sandbox: Sandbox, progress: Progress): Promise<BaseImage | null> {
  if (sandbox.runtime !== "docker") return null;
  const docker = connectEngine({ host: sandbox.host, port: sandbox.ports.containers });
  return progress.step(`take ${nodeImage} from the engine`, () =>
    savedImage(docker, nodeImage, join(buildFolder, "base")),
  );
}
