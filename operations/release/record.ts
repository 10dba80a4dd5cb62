import type { z } from "zod";
import { endWindow } from "../migration/end-window.ts";
import { objectStorage } from "../storage.ts";
import type { Context, Verb } from "../verb.ts";
import { failAttemptOnError } from "./attempt.ts";
import { mirrorToGithub } from "./github-deployment.ts";
import { Ledger, attemptState } from "./ledger.ts";
import { LedgerEntryResult, LedgerEntrySpec, type ReleaseStamp } from "./spec.ts";

type Entry = z.input<typeof LedgerEntryResult>;

/**
 * Records a release that was seen to serve: the record, the attempt's end, and its mirror in GitHub Deployments. Then the freeze that
 * its migration left in force is lifted; until then nobody has written anything that a way back would lose.
 */
export const recordRelease: Verb<typeof LedgerEntrySpec, typeof LedgerEntryResult> = {
  spec: LedgerEntrySpec,
  result: LedgerEntryResult,
  async run(spec, context) {
    const ledger = new Ledger(objectStorage(context.env), spec.ledger);
    await ledger.putRelease(spec.record);
    const write = () => writeEntry(spec, ledger, context);
    return spec.window === undefined ? write() : endWindow({ ...spec, window: spec.window }, write, context);
  },
};

async function writeEntry(spec: z.output<typeof LedgerEntrySpec>, ledger: Ledger, context: Context): Promise<Entry> {
  const done = await verifiedBefore(ledger, spec.stamp);
  if (done !== null) return done;
  const attempt = await ledger.joinAttempt(spec.stamp, "ledger record");
  return failAttemptOnError(ledger, attempt, async () => {
    if (spec.repository !== undefined) {
      await context.progress.step(`GitHub deployment in ${spec.repository}`, () =>
        mirrorToGithub({ ...spec, repository: spec.repository ?? "", attempt }, context),
      );
    }
    await ledger.close(attempt, "verified", `release ${spec.stamp.id} serves and passed its smoke tests`);
    return { attempt, verifiedAt: (await ledger.closedAt(attempt, "verified")) ?? new Date().toISOString() };
  });
}

/** The newest attempt when it is this release's and closed already: run again, nothing is left to do, and no attempt is begun. */
async function verifiedBefore(ledger: Ledger, stamp: ReleaseStamp): Promise<Entry | null> {
  const newest = await ledger.newest();
  if (newest === null || newest.release !== stamp.id || newest.after !== stamp.after) return null;
  if (attemptState(newest.events) !== "verified") return null;
  const verifiedAt = await ledger.closedAt(newest.id, "verified");
  return verifiedAt === null ? null : { attempt: newest.id, verifiedAt };
}
