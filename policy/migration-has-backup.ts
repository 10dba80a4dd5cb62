import type { StackValidationPolicy } from "@pulumi/policy";
import { BackupStorage } from "../components/backup-storage.ts";
import { CoolifyApplication } from "../components/coolify-application.ts";
import { DatabaseMigration } from "../components/database-migration.ts";
import { LedgerLocation } from "../operations/release/spec.ts";
import { has, judge, type ResourceClass, rule } from "./judge.ts";

/** A deployment may lean on an older backup for at most a day: what was written since then is what would be lost. */
const oldestBackupSeconds = 86_400;

const behindEachApplication: [string, ResourceClass][] = [
  ["DatabaseMigration", DatabaseMigration],
  ["BackupStorage", BackupStorage],
];

/** No way back without a backup: the migration is told where to put one, may read everything for it, and the bucket is ours. */
export const migrationHasBackup = {
  ...rule(
    {
      name: "migration-has-backup",
      description: "Every deployment has a backup behind it.",
      severity: "critical",
      remediationSteps: "Declare BackupStorage, and give DatabaseMigration its bucket and the backup role's URL.",
    },
    judge(DatabaseMigration, (props, refuse) => {
      if (!LedgerLocation.safeParse(props["ledger"]).success) refuse("ledger must name a bucket and an environment.");
      // The URL holds a generated password: it is there, secret, and known only at run time.
      if (!has(props, "backupDatabaseUrl")) refuse("backupDatabaseUrl must be given.");
      const age = props["backupMaxAgeSeconds"];
      if (typeof age !== "number" || age <= 0 || age > oldestBackupSeconds) {
        refuse(`backupMaxAgeSeconds must be above 0 and at most ${oldestBackupSeconds}.`);
      }
    }),
  ),
  validateStack({ resources }, report) {
    const applications = resources.filter((one) => one.isType(CoolifyApplication));
    for (const [needed, type] of behindEachApplication) {
      if (applications.length > 0 && !resources.some((one) => one.isType(type))) {
        report(`${applications.map(({ name }) => name).join(", ")}: the stack must declare a ${needed}.`);
      }
    }
  },
} satisfies StackValidationPolicy;
