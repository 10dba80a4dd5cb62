// Restores or drills a backup in a process of its own, which kills itself with -9 where it is told.
import { text } from "node:stream/consumers";
import { z } from "zod";
import { drillBackup } from "../../../../operations/backup/drill.ts";
import { restoreBackup } from "../../../../operations/backup/restore.ts";
import { BackupDrillSpec, BackupRestoreSpec } from "../../../../operations/backup/spec.ts";
import type { Progress } from "../../../../operations/progress.ts";

const Input = z.strictObject({
  spec: z.union([BackupRestoreSpec, BackupDrillSpec]),
  env: z.record(z.string(), z.string()),
  /** A step or a note whose text begins like this is the last thing that the process sees. */
  killAt: z.string(),
});

const input = Input.parse(JSON.parse(await text(process.stdin)));
const reach = (said: string) => {
  if (input.killAt !== "" && said.startsWith(input.killAt)) process.kill(process.pid, "SIGKILL");
};
const progress: Progress = {
  step: (title, work) => {
    reach(title);
    return work(progress);
  },
  note: reach,
};
const context = { env: input.env, progress, signal: new AbortController().signal };
if ("dryRun" in input.spec) await restoreBackup.run(input.spec, context);
else await drillBackup.run(input.spec, context);
process.stdout.write("not killed\n");
process.exit(0);
