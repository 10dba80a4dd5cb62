import { databaseAccess } from "../database/access.ts";
import { withConnection } from "../database/connection.ts";
import { holdsRows } from "../database/holds-rows.ts";
import { readHistory, type ExecutedMigration } from "../database/history.ts";
import { OperationError } from "../error.ts";
import { Ledger } from "../release/ledger.ts";
import type { MigrationFinding, MigrationRecord } from "../release/spec.ts";
import type { StackOutputs } from "../stack.ts";
import { objectStorage } from "../storage.ts";
import type { Context } from "../verb.ts";
import { withFindings } from "./classify.ts";
import { lintForDatabase } from "./lint/lint.ts";
import { planMigration } from "./plan.ts";
import type { MigrationReport } from "./report.ts";

/** A release, or an image that may become one. */
export interface PlannedRelease {
  readonly id: string;
  readonly maintenance: boolean;
  readonly migrations: readonly MigrationRecord[];
  /** About the release as a whole. */
  readonly findings: readonly MigrationFinding[];
  readonly historyTable: string;
}

/** What is known of the environment that it goes to. */
export interface PlanTarget {
  readonly environment: string;
  readonly history: readonly ExecutedMigration[];
  readonly recorded: ReadonlyMap<string, ReadonlySet<string>>;
  /** The release that serves, or null. */
  readonly running: { readonly id: string } | null;
  readonly holdsData: boolean;
}

/** Reads a stack's history of migrations and its ledger. Changes nothing, and connects as the backup's role. */
export async function readTarget(
  { targets }: { readonly targets: Pick<StackOutputs["targets"], "bucket" | "environment"> },
  historyTable: string,
  { env }: Pick<Context, "env">,
): Promise<PlanTarget> {
  const { bucket, environment } = targets;
  const ledger = new Ledger(objectStorage(env), { bucket, environment });
  const recorded = new Map<string, Set<string>>();
  for (const id of await ledger.listReleases()) {
    for (const { name, sha256 } of (await ledger.readRelease(id))?.migrations ?? [])
      recorded.set(name, (recorded.get(name) ?? new Set()).add(sha256));
  }
  const access = databaseAccess(env, "BACKUP_DATABASE_URL");
  const found = await withConnection(access, { applicationName: "affexai-plan" }, async (client) => ({
    history: await readHistory(client, historyTable),
    holdsData: await holdsRows(client, historyTable),
  }));
  return { environment, ...found, recorded, running: (await ledger.lastKnownGood())?.record ?? null };
}

/** What would run, with all that is to be said about it. Without a target: everything, on a new database where nothing serves. */
export function planRelease(release: PlannedRelease, target: PlanTarget | null): Omit<MigrationReport, "rehearsedOn"> {
  const { environment, history, recorded, running, holdsData } = target ?? {
    ...{ environment: null, history: [], recorded: new Map<string, Set<string>>(), running: null, holdsData: false },
  };
  const found = lintForDatabase({ migrations: release.migrations, history, recorded });
  const migrations = release.migrations.map((migration) =>
    withFindings(
      migration,
      found.filter((one) => one.migration === migration.name).map(({ finding }) => finding),
    ),
  );
  const executed = new Set(history.map(({ name }) => name));
  const pending = migrations.filter(({ name }) => !executed.has(name));
  return {
    subject: release.id,
    environment,
    pending,
    findings: [
      ...release.findings,
      ...found.filter((one) => one.migration === null).map(({ finding }) => finding),
      // What ran already is told of only where it is not what it was.
      ...found.filter(({ migration }) => migration !== null && executed.has(migration)).map(named),
    ],
    refusal: refusalOf(() => {
      const forbidden = pending.flatMap((one) => one.findings.filter((finding) => finding.forbidden));
      planMigration({
        record: { ...release, migrations },
        history: [...executed],
        explained: new Set(recorded.keys()),
        running,
        holdsData,
      });
      // The run itself would allow a loss under maintenance; whoever plans can still correct the migration.
      if (forbidden.length > 0 || release.findings.some((finding) => finding.forbidden))
        throw mustBeCorrected(release.id);
    }),
  };
}

function named({ migration, finding }: { migration: string | null; finding: MigrationFinding }): MigrationFinding {
  return { ...finding, message: `${migration ?? ""}: ${finding.message}` };
}

function mustBeCorrected(id: string): OperationError {
  return new OperationError("refused", {
    where: id,
    what: "findings that nothing makes right are listed below.",
    next: "Correct them and build the image again.",
  });
}

function refusalOf(plan: () => unknown): string | null {
  try {
    plan();
    return null;
  } catch (error) {
    if (error instanceof OperationError && error.kind === "refused") return `${error.text.what} ${error.text.next}`;
    throw error;
  }
}
