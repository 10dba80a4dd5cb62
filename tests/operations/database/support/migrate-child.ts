// Runs a guarded migration in a process of its own, which kills itself with -9 where it is told.
import { text } from "node:stream/consumers";
import { z } from "zod";
import { guardedMigration } from "../../../../operations/migration/migrate.ts";
import { MigrationSpec } from "../../../../operations/migration/spec.ts";
import { recordRelease } from "../../../../operations/release/record.ts";
import type { Progress } from "../../../../operations/progress.ts";
import { inDirectory } from "./in-directory.ts";

const Input = z.strictObject({
  spec: MigrationSpec,
  /** The application's folder. */
  dir: z.string(),
  env: z.record(z.string(), z.string()),
  /** A step or a note whose text begins like this is the last thing that the process sees. */
  killAt: z.string(),
  /** Records the release afterwards, as its ledger entry does. */
  record: z.boolean().default(false),
});

const input = Input.parse(JSON.parse(await text(process.stdin)));
const reach = (said: string) => {
  if (said.startsWith(input.killAt)) process.kill(process.pid, "SIGKILL");
};
const progress: Progress = {
  step: (title, work) => {
    reach(title);
    return work(progress);
  },
  note: reach,
};
const context = { env: input.env, progress, signal: new AbortController().signal };
await guardedMigration(input.spec, context, () => inDirectory(input.dir));
if (input.record) {
  const { record, stamp, ledger, app } = input.spec;
  const url = "https://affexai.example";
  await recordRelease.run({ record, stamp, ledger, url, window: { app }, after: [] }, context);
}
process.stdout.write("not killed\n");
process.exit(0);
