import { Bucket } from "@pulumi/aws/s3/bucket.js";
import type { StackValidationPolicy } from "@pulumi/policy";
import { BackupStorage } from "../components/backup-storage.ts";
import { CoolifyApplication } from "../components/coolify-application.ts";
import { DatabaseMigration } from "../components/database-migration.ts";
import { LedgerLocation } from "../operations/release/spec.ts";
import { has, judge, judgeStack, objectAt, type ResourceClass, rule } from "./judge.ts";

/** A deployment may lean on an older backup for at most a day: what was written since then is what would be lost. */
const oldestBackupSeconds = 86_400;

const behindEachRelease: [string, ResourceClass][] = [
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
  validateStack: judgeStack((resources, refuse) => {
    const migrations = resources.filter((one) => one.isType(DatabaseMigration));
    const needing = [...resources.filter((one) => one.isType(CoolifyApplication)), ...migrations];
    for (const [needed, type] of behindEachRelease) {
      if (needing.length > 0 && !resources.some((one) => one.isType(type))) {
        refuse(`${needing.map(({ name }) => name).join(", ")}: the stack must declare a ${needed}.`);
      }
    }
    if (!resources.some((one) => one.isType(BackupStorage))) return;
    // Of a component a whole stack shows the outputs only, and the storage's waits for all that protects it.
    const buckets = resources
      .filter((one) => one.isType(Bucket) && one.parent?.isType(BackupStorage) === true)
      .map(({ props }) => props["bucket"] as unknown);
    for (const { name, props } of migrations) {
      if (!buckets.includes(objectAt(props, "ledger")["bucket"])) {
        refuse(`${name}: ledger.bucket must be the bucket of a BackupStorage of this stack.`);
      }
    }
  }),
} satisfies StackValidationPolicy;
