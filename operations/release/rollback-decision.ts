import type { ContractCheck } from "../database/contract.ts";
import type { MigrationRecord, ReleaseRecord } from "./spec.ts";

export interface RollbackQuestion {
  /** Where to go back to. Null when the ledger knows no earlier release that was verified. */
  readonly target: ReleaseRecord | null;
  /** What serves now. */
  readonly current: Pick<ReleaseRecord, "id">;
  /** The target's contract on the live schema. */
  readonly contract: ContractCheck;
  /** Migrations in the database that the target does not have, oldest first. `record` is null when no release in the ledger has it. */
  readonly since: readonly {
    readonly name: string;
    readonly record: Pick<MigrationRecord, "class" | "hasDown"> | null;
  }[];
  /** Names of migrations whose `down` was proven to bring the schema and the data back. */
  readonly provenDown: readonly string[];
  /** The newest backup that does not hold the migrations since, and what was written after it. */
  readonly backup: { readonly id: string; readonly takenAt: string } | null;
}

export type RollbackDecision =
  | { readonly action: "nothing"; readonly reasons: readonly string[] }
  /** `undone`: what the rollback does not take back, a sentence each. */
  | { readonly action: "applications-only"; readonly undone: readonly string[]; readonly warnings: readonly string[] }
  | {
      readonly action: "refuse";
      readonly reasons: readonly string[];
      /** What a restore would take, and lose; null when there is no backup to go back to. */
      readonly restore: { readonly backup: string; readonly loses: string } | null;
    };

/**
 * Whether going back to an earlier release is safe, and how. Applications alone where the target's code can live with the live schema:
 * the newer schema stays. Otherwise it is refused with the reasons, and with what a restore would lose.
 */
export function decideRollback(question: RollbackQuestion): RollbackDecision {
  const { target, current, contract, since } = question;
  if (target === null) {
    return { action: "nothing", reasons: ["The ledger knows no earlier release that was verified."] };
  }
  if (target.id === current.id) {
    return { action: "nothing", reasons: [`Release ${target.id} serves already, and was verified.`] };
  }
  if (contract.holds) {
    return {
      action: "applications-only",
      undone: since.map(
        ({ name, record }) =>
          `The schema keeps ${name}${destroyed(record) ? ", and what it deleted stays deleted" : ""}.`,
      ),
      warnings: contract.warnings,
    };
  }
  return {
    action: "refuse",
    reasons: [
      ...contract.reasons.map((reason) => `Release ${target.id} cannot run on this schema: ${reason}`),
      ...since.flatMap(({ name, record }) => whyNotReverted(name, record, question.provenDown)),
    ],
    restore:
      question.backup === null
        ? null
        : { backup: question.backup.id, loses: `everything that was written since ${question.backup.takenAt}` },
  };
}

function destroyed(record: Pick<MigrationRecord, "class"> | null): boolean {
  return record?.class === "DESTROYS";
}

function whyNotReverted(
  name: string,
  record: Pick<MigrationRecord, "class" | "hasDown"> | null,
  provenDown: readonly string[],
): string[] {
  if (record === null) return [`${name} is in the database, and no release in the ledger has it.`];
  if (record.class === "DESTROYS") return [`${name} destroyed data, which no down brings back.`];
  if (!record.hasDown) return [`${name} has no down.`];
  if (!provenDown.includes(name)) return [`${name} has a down that was never proven.`];
  return [];
}
