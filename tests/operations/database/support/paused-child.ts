// Runs a guarded migration or a restore in a process of its own, which stands still where it is told until a file is there, and says how
// it ended.
import { existsSync, writeSync } from "node:fs";
import { text } from "node:stream/consumers";
import { z } from "zod";
import { restoreBackup } from "../../../../operations/backup/restore.ts";
import { BackupRestoreSpec } from "../../../../operations/backup/spec.ts";
import { OperationError } from "../../../../operations/error.ts";
import { guardedMigration } from "../../../../operations/migration/migrate.ts";
import { MigrationSpec } from "../../../../operations/migration/spec.ts";
import { recordRelease } from "../../../../operations/release/record.ts";
import type { Progress } from "../../../../operations/progress.ts";
import { inDirectory } from "./in-directory.ts";

const Input = z.strictObject({
  work: z.discriminatedUnion("verb", [
    z.strictObject({
      verb: z.literal("migration run"),
      spec: MigrationSpec,
      /** The application's folder. */
      dir: z.string(),
      /** Records the release afterwards, as its ledger entry does. */
      record: z.boolean(),
    }),
    z.strictObject({ verb: z.literal("backup restore"), spec: BackupRestoreSpec }),
  ]),
  env: z.record(z.string(), z.string()),
  /** A step or a note whose text begins like this is where it stops; `reached` is written then. */
  pauseAt: z.string(),
  /** The file that lets it go on. */
  goOn: z.string(),
});

const input = Input.parse(JSON.parse(await text(process.stdin)));
const nobody = new Int32Array(new SharedArrayBuffer(4));
let reached = false;
const reach = (said: string) => {
  if (reached || !said.startsWith(input.pauseAt)) return;
  reached = true;
  writeSync(1, "reached\n");
  // The whole process, as a fault would find it: nothing else of it goes on meanwhile.
  while (!existsSync(input.goOn)) Atomics.wait(nobody, 0, 0, 10);
};
const progress: Progress = {
  step: (title, work) => {
    reach(title);
    return work(progress);
  },
  note: reach,
};
const context = { env: input.env, progress, signal: new AbortController().signal };
const ended = await perform().then(
  (outcome) => outcome,
  (error: unknown) => (error instanceof OperationError ? error.kind : String(error)),
);
writeSync(1, `${ended}\n`);
process.exit(0);

async function perform(): Promise<string> {
  const { work } = input;
  if (work.verb === "backup restore") {
    await restoreBackup.run(work.spec, context);
    return "restored";
  }
  const { outcome } = await guardedMigration(work.spec, context, () => inDirectory(work.dir));
  if (!work.record) return outcome;
  const { record, stamp, ledger, app } = work.spec;
  await recordRelease.run(
    { record, stamp, ledger, url: "https://affexai.example", window: { app }, after: [] },
    context,
  );
  return "recorded";
}
