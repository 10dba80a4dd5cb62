import { OperationError } from "../error.ts";

/**
 * The name of the small database beside an application's own: it holds the lock and the journal, because the application's database
 * is renamed by a restore and the migrator may not create tables in `postgres`.
 */
export function operationsDatabase(database: string): string {
  const name = `${database}_ops`;
  if (name.length <= 40) return name;
  // Names of restored and replaced databases are made of the same stem; PostgreSQL cuts names at 63 bytes without a word.
  throw new OperationError("usage", {
    where: `database ${database}`,
    what: "has a name longer than 36 characters.",
    next: "Choose a shorter one.",
  });
}
