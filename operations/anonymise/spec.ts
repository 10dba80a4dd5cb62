import { z } from "zod";
import { BackupId, BackupTarget } from "../backup/spec.ts";

/** How values of a column are replaced. The same value becomes the same mask everywhere, so keys and joins hold. */
export const MaskKind = z.enum(["email", "name", "phone", "text", "ip", "number", "date-shift"]);
export type MaskKind = z.infer<typeof MaskKind>;

/**
 * What becomes of a column: `keep`, `null`, `mask:<kind>`, or for JSON `{ keep: [paths] }`: what is not on the list is dropped. A path is
 * keys joined by dots, with `[]` for the elements of an array: `author.name`, `items[].title`.
 */
export const ColumnRule = z.union([
  z.enum(["keep", "null"]),
  z.templateLiteral(["mask:", MaskKind]),
  // YAML's own null.
  z.null().transform(() => "null" as const),
  z.strictObject({ keep: z.array(z.string().min(1)) }),
]);
export type ColumnRule = z.output<typeof ColumnRule>;

/** Types of which not every value names somebody by itself. Enums are one. */
const KeptType = z.enum([
  "boolean",
  "enum",
  "smallint",
  "integer",
  "bigint",
  "numeric",
  "real",
  "double precision",
  "interval",
  "time without time zone",
  "time with time zone",
  "timestamp without time zone",
  "timestamp with time zone",
]);

/** Tables and columns by name; a table outside of `public` with its schema: `audit.events`. */
export const AnonymiseRules = z.strictObject({
  version: z.literal(1),
  /** Public addresses and numbers that stand in kept texts: the scan for personal data passes them over. */
  published: z.array(z.string().min(3)).default([]),
  /** Columns of these types need no rule of their own, unless their name says that they hold something personal. */
  keepTypes: z.array(KeptType).default([]),
  tables: z.record(z.string(), z.union([z.literal("truncate"), z.record(z.string(), ColumnRule)])),
});
export type AnonymiseRules = z.output<typeof AnonymiseRules>;

/** Without an id, the newest backup. ANONYMISE_KEY, DATABASE_URL and the credentials of both buckets come in the environment. */
export const AnonymiseSpec = z.strictObject({
  from: z.strictObject({ ...BackupTarget.shape, id: BackupId.optional() }),
  to: BackupTarget,
  rules: AnonymiseRules,
});
export type AnonymiseSpec = z.output<typeof AnonymiseSpec>;

export const AnonymiseResult = z.strictObject({
  /** Of the backup that was made, in `to`. */
  id: BackupId,
  from: BackupId,
  rows: z.int(),
  tables: z.int(),
  maskedColumns: z.int(),
  truncatedTables: z.array(z.string()),
  seconds: z.number(),
});
