import type { ReleaseRecord } from "../release/spec.ts";
import type { MigrationResult } from "./spec.ts";

type Release = Pick<ReleaseRecord, "id" | "migrations">;

/**
 * What a migration that stays leaves to the release to go back to, for whoever reads of a later failure; null when it leaves nothing new.
 * A release that declares maintenance goes all the way back instead.
 */
export function keptSchema(
  release: Release,
  previous: Release | null,
  { previousReleaseRuns }: Pick<MigrationResult, "previousReleaseRuns">,
): string | null {
  const known = new Set(previous?.migrations.map(({ name }) => name));
  const added = release.migrations.map(({ name }) => name).filter((name) => !known.has(name));
  if (previous === null || previousReleaseRuns === null || added.length === 0) return null;
  const runs = previousReleaseRuns ? "runs on it" : "cannot run on it";
  return `The schema keeps ${added.join(", ")}, whatever becomes of ${release.id}; ${previous.id} ${runs}.`;
}
