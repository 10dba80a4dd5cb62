import type { z } from "zod";
import { backupStore } from "../backup/backup-store.ts";
import { explainedMigrations } from "../migration/explained-migrations.ts";
import { Ledger } from "../release/ledger.ts";
import { objectStorage } from "../storage.ts";
import type { Verb } from "../verb.ts";
import { databaseAccess } from "./access.ts";
import { checkPages } from "./amcheck.ts";
import { compareWithBackup } from "./compare-with-backup.ts";
import { countRows, qualified, readProtected, type TableContent } from "./content.ts";
import { checkContract, readLiveSchema } from "./contract.ts";
import { readFingerprint } from "./fingerprint.ts";
import { readHistory } from "./history.ts";
import { readIntegrity, type Integrity } from "./integrity.ts";
import { withSnapshot } from "./snapshot.ts";
import { DatabaseVerifyResult, DatabaseVerifySpec, type DatabaseCheck } from "./spec.ts";

export interface DatabaseFinding {
  readonly check: z.infer<typeof DatabaseCheck>;
  readonly text: string;
}

const applicationName = "affexai-verify";

/**
 * Looks at the live database, in one snapshot and as the backup role, which can only read: whether its own promises hold (foreign keys,
 * indexes, constraints, sequences), whether the release that runs can live with it, and what it lacks of the newest backup.
 */
export const verifyDatabase: Verb<typeof DatabaseVerifySpec, typeof DatabaseVerifyResult> = {
  spec: DatabaseVerifySpec,
  result: DatabaseVerifyResult,
  async run(spec, context) {
    const { record, ledger: location, protectedTables, historyTable = "migrations" } = spec;
    const access = databaseAccess(context.env, "BACKUP_DATABASE_URL");
    const backups = await context.progress.step("the newest backup", () => backupStore(location, context).manifests());
    const backup = backups.findLast(({ database }) => database === access.database) ?? null;
    const live = await context.progress.step(`read ${access.database}`, () =>
      withSnapshot(access, applicationName, async ({ client, takenAt }) => ({
        takenAt,
        fingerprint: (await readFingerprint(client, historyTable)).sha256,
        history: (await readHistory(client, historyTable)).map(({ name }) => name),
        schema: await readLiveSchema(client),
        counts: await countRows(client),
        contents: await readProtected(client, protectedTables),
        integrity: await readIntegrity(client),
      })),
    );
    const explained = await explainedMigrations(new Ledger(objectStorage(context.env), location), record, live.history);
    const contract = checkContract(record.contract, live.schema);
    const isProtected = new Set(protectedTables.map(({ table }) => qualified(table)));
    const compared = compareWithBackup({ ...live, isProtected }, backup);
    const pages = spec.amcheck
      ? await context.progress.step("read every page", () =>
          checkPages(databaseAccess(context.env, "ADMIN_DATABASE_URL"), access.database, applicationName),
        )
      : [];
    const rowsBefore = new Map(backup?.tables.map(({ table, rows }) => [table, rows]));
    return {
      database: access.database,
      release: record.id,
      checkedAt: live.takenAt,
      backup: backup?.id ?? null,
      fingerprint: live.fingerprint,
      findings: [
        ...integrityFindings(live.integrity),
        ...contract.reasons.map((text) => ({ check: "contract" as const, text })),
        ...historyFindings(live.history, record, explained),
        ...protectedTables.flatMap(({ table, columns }) =>
          missingColumns(qualified(table), columns, live.contents).map((text) => ({
            check: "protected tables" as const,
            text,
          })),
        ),
        ...compared.findings,
        ...pages.map((text) => ({ check: "pages" as const, text })),
      ],
      notes: [...contract.warnings, ...compared.notes],
      tables: live.counts.map(({ table, rows }) => ({
        ...{ table, rows },
        backupRows: rowsBefore.get(table) ?? null,
        protected: isProtected.has(table),
      })),
    };
  },
};

function integrityFindings(integrity: Integrity): DatabaseFinding[] {
  return [
    ...integrity.brokenForeignKeys.map((text) => ({
      check: "foreign keys" as const,
      text: `${text} point at nothing`,
    })),
    ...integrity.invalidIndexes.map((text) => ({ check: "indexes" as const, text: `${text} is invalid` })),
    ...integrity.unvalidatedConstraints.map((text) => ({
      check: "constraints" as const,
      text: `${text} is not validated: old rows may break it`,
    })),
    ...integrity.laggingSequences.map((text) => ({
      check: "sequences" as const,
      text: `${text}: the next insert fails`,
    })),
  ];
}

function historyFindings(
  history: readonly string[],
  { id, migrations }: Pick<DatabaseVerifySpec["record"], "id" | "migrations">,
  explained: ReadonlySet<string>,
): DatabaseFinding[] {
  const missing = migrations.filter(({ name }) => !history.includes(name)).map(({ name }) => name);
  const unknown = history.filter((name) => !migrations.some((one) => one.name === name) && !explained.has(name));
  return [
    ...missing.map((name) => ({ check: "migrations" as const, text: `${name} of release ${id} never ran` })),
    ...unknown.map((name) => ({
      check: "migrations" as const,
      text: `${name} ran, and no release of the ledger has it`,
    })),
  ];
}

function missingColumns(
  table: string,
  columns: readonly string[],
  contents: readonly Pick<TableContent, "table" | "columns">[],
): string[] {
  const found = contents.find((one) => one.table === table);
  if (found === undefined) return [`${table} does not exist`];
  return columns
    .filter((column) => !found.columns.includes(column))
    .map((column) => `${table}.${column} does not exist`);
}
