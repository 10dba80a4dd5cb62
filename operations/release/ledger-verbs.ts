import { z } from "zod";
import { OperationError } from "../error.ts";
import { objectStorage } from "../storage.ts";
import type { Verb } from "../verb.ts";
import { failAttemptOnError } from "./attempt.ts";
import { mirrorToGithub } from "./github-deployment.ts";
import { Ledger, LedgerMissing, attemptState } from "./ledger.ts";
import {
  LedgerEntryResult,
  LedgerEntrySpec,
  LedgerHead,
  LedgerLocation,
  ReleaseId,
  ReleaseRecord,
  type ReleaseStamp,
} from "./spec.ts";

/** What the program has to know of the ledger before it declares anything. Changes nothing. */
export const readLedgerHead: Verb<typeof LedgerLocation, typeof LedgerHead> = {
  spec: LedgerLocation,
  result: LedgerHead,
  async run(location, { env }) {
    const ledger = new Ledger(objectStorage(env), location);
    try {
      const [after, newest] = [await ledger.newestUnverified(), await ledger.newest()];
      return {
        bucketExists: true,
        after,
        newest:
          newest === null
            ? null
            : { attempt: newest.id, release: newest.release, state: attemptState(newest.events), at: newest.at },
      };
    } catch (error) {
      if (error instanceof LedgerMissing) return { bucketExists: false, after: null, newest: null };
      throw error;
    }
  },
};

const ShowSpec = z.strictObject({ ...LedgerLocation.shape, id: ReleaseId });

/** One recorded release. */
export const showRelease: Verb<typeof ShowSpec, typeof ReleaseRecord> = {
  spec: ShowSpec,
  result: ReleaseRecord,
  async run({ id, ...location }, { env }) {
    const ledger = new Ledger(objectStorage(env), location);
    const record = await ledger.readRelease(id);
    if (record !== null) return record;
    const known = await ledger.listReleases();
    throw new OperationError("refused", {
      where: `release ${id}`,
      what: `is not in the ledger of ${location.environment}.`,
      next: known.length === 0 ? "Name a release record's file instead." : `Name one of: ${known.join(", ")}.`,
    });
  },
};

/** Records a release that was seen to serve: the record, the attempt's end, and its mirror in GitHub Deployments. */
export const recordRelease: Verb<typeof LedgerEntrySpec, typeof LedgerEntryResult> = {
  spec: LedgerEntrySpec,
  result: LedgerEntryResult,
  async run(spec, context) {
    const ledger = new Ledger(objectStorage(context.env), spec.ledger);
    await ledger.putRelease(spec.record);
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
  },
};

/** The newest attempt when it is this release's and closed already: run again, nothing is left to do, and no attempt is begun. */
async function verifiedBefore(ledger: Ledger, stamp: ReleaseStamp): Promise<z.input<typeof LedgerEntryResult> | null> {
  const newest = await ledger.newest();
  if (newest === null || newest.release !== stamp.id || newest.after !== stamp.after) return null;
  if (attemptState(newest.events) !== "verified") return null;
  const verifiedAt = await ledger.closedAt(newest.id, "verified");
  return verifiedAt === null ? null : { attempt: newest.id, verifiedAt };
}
