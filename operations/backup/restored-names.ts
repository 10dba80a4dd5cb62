/** The database that a run restores into. Its run's id is in the name, so that what a killed run left can be found and dropped. */
export function restoredName(database: string, runId: string): string {
  return `${database}_restore_${runId}`;
}

/** What the database that served is called after the run's swap. It is kept: rows written since the backup are only there. */
export function keptName(database: string, runId: string): string {
  return `${database}_old_${runId}`;
}

/** The scratch database of a drill. */
export function drillName(database: string, runId: string): string {
  return `${database}_drill_${runId}`;
}

/** The scratch database in which personal data is masked. */
export function anonymisingName(database: string, runId: string): string {
  return `${database}_anonymise_${runId}`;
}
