import type { ContractCheck } from "../database/contract.ts";
import type { MigrationRecord, ReleaseRecord } from "./spec.ts";

/** What is known of a migration that the target does not have. */
export type MigrationSince = Pick<MigrationRecord, "class" | "hasDown" | "downProven">;

export interface RollbackQuestion {
  /** Where to go back to. Null when the ledger knows no earlier release that was verified. */
  readonly target: ReleaseRecord | null;
  /** What serves now. */
  readonly current: Pick<ReleaseRecord, "id">;
  /** The target's contract on the live schema. */
  readonly contract: ContractCheck;
  /** Migrations in the database that the target does not have, oldest first. `record` is null when no release in the ledger has it. */
  readonly since: readonly { readonly name: string; readonly record: MigrationSince | null }[];
  /** A recorded release that has all of them, and whose image can take them back; null when there is none. */
  readonly holder: ReleaseRecord | null;
  /** A release that was frozen for and never verified: nobody has written since its backup. */
  readonly unverified: string | null;
  /** The newest backup that does not hold the migrations since, and what was written after it. */
  readonly backup: { readonly id: string; readonly takenAt: string } | null;
  /** Somebody has said that the writes since the backup may be lost. */
  readonly restoreDatabase: boolean;
}

export type RollbackDecision =
  | { readonly action: "nothing"; readonly reasons: readonly string[] }
  /** The older release's migration takes the way back of the unverified one, which loses nothing, before its applications move. */
  | { readonly action: "way-back"; readonly undone: readonly string[]; readonly warnings: readonly string[] }
  /** `undone`: what the rollback does not take back, a sentence each. */
  | { readonly action: "applications-only"; readonly undone: readonly string[]; readonly warnings: readonly string[] }
  /** `migrations`: those to revert, in the order in which they ran. */
  | {
      readonly action: "revert";
      readonly migrations: readonly string[];
      readonly undone: readonly string[];
      readonly warnings: readonly string[];
    }
  | {
      readonly action: "restore";
      readonly backup: string;
      readonly undone: readonly string[];
      readonly warnings: readonly string[];
    }
  | {
      readonly action: "refuse";
      readonly reasons: readonly string[];
      /** What a restore would take, and lose; null when there is no backup to go back to. */
      readonly restore: { readonly backup: string; readonly loses: string } | null;
    };

/**
 * Whether going back to an earlier release is safe, and how, from the least to the most. Applications alone where the target's code can
 * live with the live schema: the newer schema stays. The downs first, where every one of them was proven. A restore only when somebody
 * has said so, because it loses what was written since. Otherwise it is refused with the reasons, and with what a restore would lose.
 */
export function decideRollback(question: RollbackQuestion): RollbackDecision {
  const { target, current, contract, since, unverified, backup } = question;
  if (target === null) {
    return { action: "nothing", reasons: ["The ledger knows no earlier release that was verified."] };
  }
  if (unverified !== null && unverified !== target.id) {
    return {
      action: "way-back",
      undone: [`What the migrations of ${unverified} did is taken back where ${target.id} cannot live with it.`],
      warnings: [],
    };
  }
  if (target.id === current.id && unverified === null) {
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
  const obstacles = [
    ...since.flatMap(({ name, record }) => whyNotReverted(name, record)),
    ...(question.holder === null && since.length > 0 ? ["No recorded release has all of these migrations."] : []),
  ];
  const loses = `everything that was written since ${backup?.takenAt ?? ""}`;
  if (obstacles.length === 0 && since.length > 0) {
    return {
      action: "revert",
      migrations: since.map(({ name }) => name),
      undone: [`${since.map(({ name }) => name).join(", ")} reverted first, by downs that were proven.`],
      warnings: ["The application cannot write from now until the older release is recorded."],
    };
  }
  if (question.restoreDatabase && backup !== null) {
    return {
      action: "restore",
      backup: backup.id,
      undone: [`Backup ${backup.id} restored first: ${loses} is lost, and kept only in the database that it replaces.`],
      warnings: ["The application cannot write from now until the older release is recorded."],
    };
  }
  return {
    action: "refuse",
    reasons: [
      ...contract.reasons.map((reason) => `Release ${target.id} cannot run on this schema: ${reason}`),
      ...obstacles,
    ],
    restore: backup === null ? null : { backup: backup.id, loses },
  };
}

function destroyed(record: MigrationSince | null): boolean {
  return record?.class === "DESTROYS";
}

function whyNotReverted(name: string, record: MigrationSince | null): string[] {
  if (record === null) return [`${name} is in the database, and no release in the ledger has it.`];
  if (record.class === "DESTROYS") return [`${name} destroyed data, which no down brings back.`];
  if (!record.hasDown) return [`${name} has no down.`];
  if (!record.downProven) return [`${name} has a down that was never proven.`];
  return [];
}
