import type { Ledger } from "../release/ledger.ts";
import type { ReleaseRecord } from "../release/spec.ts";

/** Names of the migrations of every release in the ledger; read only when the history holds some that this release does not have. */
export async function explainedMigrations(
  ledger: Ledger,
  record: ReleaseRecord,
  history: readonly string[],
): Promise<Set<string>> {
  const own = new Set(record.migrations.map(({ name }) => name));
  const explained = new Set<string>();
  if (history.every((name) => own.has(name))) return explained;
  for (const id of await ledger.listReleases()) {
    for (const { name } of (await ledger.readRelease(id))?.migrations ?? []) explained.add(name);
  }
  return explained;
}
