import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createRelease } from "../../operations/release/create.ts";
import type { ReleaseRecord } from "../../operations/release/spec.ts";
import type { Context } from "../../operations/verb.ts";
import { describeSandbox } from "../supervisor/sandbox.ts";
import { buildFolder } from "../workload/build.ts";
import { publishReleases } from "../workload/publish.ts";
import { sandboxEnvironment } from "./environment.ts";

/** A release of the workload that the sandbox's registry holds. */
export interface RecordedRelease {
  readonly record: ReleaseRecord;
  /** The record's file in the state folder, for AFFEXAI_RELEASE. */
  readonly file: string;
}

/**
 * Builds the workload's three releases, pushes them to the sandbox's registry, and makes their records as people make them. What is built already is
 * found again.
 */
export async function sandboxPublish({ env: given, signal, progress }: Context): Promise<RecordedRelease[]> {
  const sandbox = describeSandbox(given);
  const env: Context["env"] = { ...given, ...(await sandboxEnvironment(given)) };
  const published = await progress.step("build and push three releases of the workload", (inner) =>
    publishReleases({
      releases: [1, 2, 3],
      dir: buildFolder,
      progress: inner,
      registry: `${sandbox.host}:${sandbox.ports.registry}`,
      auth: { username: env.REGISTRY_USERNAME ?? "", password: env.REGISTRY_PASSWORD ?? "" },
    }),
  );
  return progress.step("make their release records", async (inner) => {
    const made: RecordedRelease[] = [];
    for (const { id, images } of published) {
      const record = await createRelease(
        {
          backend: images.backend.reference,
          frontend: images.frontend.reference,
          maintenance: false,
          imageRuntime: "unpacked",
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
