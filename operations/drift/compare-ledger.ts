import type { z } from "zod";
import { isDeepStrictEqual } from "node:util";
import type { Comparison } from "../coolify/differences.ts";
import { attemptState, type Ledger } from "../release/ledger.ts";
import { ReleaseRecord, type LedgerEntrySpec } from "../release/spec.ts";
import type { Difference } from "./spec.ts";

/** Whether the ledger's last word is that the release of the stack's state serves. */
export async function compareLedger(
  { record, ledger: place }: z.output<typeof LedgerEntrySpec>,
  ledger: Ledger,
): Promise<Comparison> {
  const part = `ledger of ${place.environment}`;
  const [newest, stored] = await Promise.all([ledger.newest(), ledger.readRelease(record.id)]);
  const differences: Difference[] = [];
  const found = newest === null ? null : `${newest.release} ${attemptState(newest.events)}`;
  const declared = `${record.id} verified`;
  if (found !== declared) differences.push({ part, kind: "ledger", name: "newest attempt", declared, found });
  if (stored === null || !isDeepStrictEqual(stored, ReleaseRecord.parse(record))) {
    const seen = stored === null ? null : "other content";
    differences.push({ part, kind: "ledger", name: `release ${record.id}`, declared: "its record", found: seen });
  }
  return { differences, unobserved: [] };
}
