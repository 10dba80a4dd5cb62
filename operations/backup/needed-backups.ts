import type { Attempt, Ledger } from "../release/ledger.ts";
import type { Manifest } from "./manifest.ts";

/**
 * Ids of the backups behind the releases that serve, that are being deployed, or that a rollback would go to: those that were taken for one
 * of them, and the newest that was there when its attempt began, which a release without migrations accepts.
 */
export async function neededBackups(
  ledger: Pick<Ledger, "newest" | "lastKnownGood">,
  manifests: readonly Pick<Manifest, "id" | "takenAt" | "behind">[],
): Promise<Set<string>> {
  const good = await ledger.lastKnownGood();
  const previous = good === null ? null : await ledger.lastKnownGood(good.record.id);
  const attempts = [await ledger.newest(), good?.attempt ?? null, previous?.attempt ?? null];
  const needed = new Set<string>();
  for (const { release, at } of attempts.filter((one): one is Attempt => one !== null)) {
    for (const { id, behind } of manifests) if (behind === release) needed.add(id);
    const before = manifests.findLast(({ takenAt }) => Date.parse(takenAt) <= Date.parse(at));
    if (before !== undefined) needed.add(before.id);
  }
  return needed;
}
