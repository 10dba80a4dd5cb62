import { z } from "zod";
import { OperationError } from "../error.ts";
import { objectStorage } from "../storage.ts";
import type { Verb } from "../verb.ts";
import { Ledger, LedgerMissing, attemptState } from "./ledger.ts";
import { LedgerHead, LedgerLocation, ReleaseId, ReleaseRecord } from "./spec.ts";

/** What the program has to know of the ledger before it declares anything. Changes nothing. */
export const readLedgerHead: Verb<typeof LedgerLocation, typeof LedgerHead> = {
  spec: LedgerLocation,
  result: LedgerHead,
  async run(location, { env }) {
    const ledger = new Ledger(objectStorage(env), location);
    try {
      const [after, newest, verified] = await Promise.all([
        ledger.newestUnverified(),
        ledger.newest(),
        ledger.newestVerified(2),
      ]);
      return {
        bucketExists: true,
        after,
        newest:
          newest === null
            ? null
            : { attempt: newest.id, release: newest.release, state: attemptState(newest.events), at: newest.at },
        verified: verified.map(({ id, migrations }) => ({
          release: id,
          migrations: migrations.map(({ name }) => name),
        })),
      };
    } catch (error) {
      if (error instanceof LedgerMissing) return { bucketExists: false, after: null, newest: null, verified: [] };
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
