/** What to do about each of our own findings, by its rule. */
export const remedies = {
  "add-constraint":
    "Add it NOT VALID, and VALIDATE it in a later migration: the first binds new writes at once, the second scans without blocking them.",
  "add-required-column": "Give the column a default, or leave it nullable until no older release writes the table.",
  "alter-table": "Look up which lock it takes and what older code sees of it.",
  "column-wiped":
    "Write ALTER COLUMN ... TYPE, or RENAME COLUMN, by hand: `migration:generate` makes a drop and an add of it (typeorm/typeorm#3357).",
  "concurrently-in-transaction":
    "Set `transaction = false` in the migration's class, and leave this statement alone in it.",
  "declared-loss": "Write it as plain statements, and run it under maintenance.",
  "down-fails": "Correct `down`, or leave it out: then a rollback that needs it is refused in time.",
  "down-lies": "Make `down` undo all that `up` does, or leave it out.",
  "down-loses-data": "Keep what `up` removes until a later release, or leave `down` out: it cannot bring this back.",
  "down-missing": "Write `down`; without one, a rollback across this migration takes a restore.",
  "down-unproven-without-data": "Rehearse it on a backup: `affexai migration rehearse --stack NAME`.",
  "drop-column": "Stop using it in this release and drop it in a later one, under maintenance.",
  "drop-constraint": "Keep it until no release that relies on it may come back.",
  "drop-default": "Keep the default until no older release inserts without a value.",
  "drop-index": "Drop it in a later release, CONCURRENTLY.",
  "drop-not-null": "Make sure that older code reads a null without failing.",
  "drop-object": "Drop it in a later release, when no running code uses it.",
  "drop-table": "Stop using it in this release and drop it in a later one, under maintenance.",
  "edited-migration": "Restore the file as it was when it ran, and write a new migration for the change.",
  "enum-value": "Let a release that can read the value serve first.",
  "enum-value-in-its-transaction":
    "Put the use of the value in a migration of a later release: PostgreSQL takes a new value only after it was committed.",
  "foreign-object": "Check that nothing in use needs it.",
  "history-unknown":
    "Find out who ran it. If it is right, record the release it belongs to; if not, restore a backup from before.",
  "index-blocks-writes":
    "Use CREATE INDEX CONCURRENTLY in a migration with `transaction = false`, unless the table is small.",
  "nested-write":
    "Write it as statements of their own, and declare what they change in the migration's `static affexai`.",
  "not-known": "Rehearse it on a backup (REHEARSAL_DATABASE_URL and --stack), or write it as plain statements.",
  "opaque-statement": "Rehearse it on a backup (REHEARSAL_DATABASE_URL and --stack), or write it as plain statements.",
  "out-of-order": "Give it a newer timestamp, unless it was meant to run after the newer one.",
  "overwrites-rows": "Fill a new column instead, or declare what it changes in the migration's `static affexai`.",
  "rehearsal-failed": "Correct the migration: it would fail on the live database too.",
  "removes-rows":
    "Declare how many rows it may delete in the migration's `static affexai`, or keep them until a later release.",
  rename: "Add the new name beside the old one, write both, and drop the old one in a later release.",
  "replaced-object": "Make sure that older code can use the new one.",
  "required-column": "Leave it nullable until no older release writes the table.",
  revoke: "Take the right away in a later release, when no running code uses it.",
  "row-security": "Try older code against it on a copy before.",
  "set-not-null":
    "Add CHECK (... IS NOT NULL) NOT VALID, validate it, then SET NOT NULL: PostgreSQL trusts the check and does not scan.",
  "sees-other-rows": "Move the rows in a later release, when no running code reads them there.",
  "synchronize-leftover":
    "Generate the missing migration with `typeorm migration:generate`, and turn `synchronize` off.",
  "table-lock": "Do it in a quiet hour, and not in the same transaction as other work.",
  "type-change": "Add a column of the new type, fill it in batches, and drop the old one in a later release.",
  "unique-index": "Check the data for duplicates first, and that older code cannot write one.",
  "unreadable-statement": "Rehearse it (REHEARSAL_DATABASE_URL), or correct the SQL.",
  "up-loses-data":
    "Keep the data, or declare what it changes in the migration's `static affexai` and run it under maintenance.",
  "volatile-default": "Add the column without the default, fill it in batches, then set the default.",
} as const;

export type Rule = keyof typeof remedies;
