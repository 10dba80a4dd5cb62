import { createBackup } from "../backup/create.ts";
import { drillBackup } from "../backup/drill.ts";
import { dropExpiredKept } from "../backup/kept.ts";
import { pruneBackups } from "../backup/prune.ts";
import { resumeDeadRun } from "../migration/resume.ts";
import { inspectBucket, inspectDatabase } from "./inspection.ts";
import type { Work } from "./jobs.ts";
import type { AgentSettings } from "./settings.ts";

/** The agent's work with the verbs that people have, too. */
export function realWork(settings: AgentSettings): Work {
  const target = { bucket: settings.bucket, environment: settings.environment };
  const { historyTable } = settings;
  return {
    inspectBucket: (context) => inspectBucket(settings, context),
    inspectDatabase,
    async backUp(reason, context) {
      // What is to be kept is locked as long: whoever has the pruner's keys deletes it no sooner than the pruner would.
      await createBackup.run({ ...target, reason, lockDays: settings.keepDays[reason], historyTable }, context);
    },
    async drill(context) {
      await drillBackup.run(target, context);
    },
    async prune(context) {
      await pruneBackups.run({ ...target, keep: settings.keepDays, minimum: settings.keepAtLeast }, context);
    },
    async dropExpired(context) {
      await dropExpiredKept.run({ days: settings.keepReplacedDays }, context);
    },
    async resume(context) {
      const { app, maintenance } = settings;
      const { page } = await resumeDeadRun.run(
        { ledger: target, app, ...(maintenance === undefined ? {} : { maintenance }) },
        context,
      );
      return page;
    },
  };
}
