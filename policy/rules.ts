import type { Policies } from "@pulumi/policy";
import { backupStorageProtected } from "./backup-storage-protected.ts";
import { healthGateRequired } from "./health-gate-required.ts";
import { imagePinnedByDigest } from "./image-pinned-by-digest.ts";
import { migrationDeclared } from "./migration-declared.ts";
import { migrationHasBackup } from "./migration-has-backup.ts";
import { noBuildTimeVariables } from "./no-build-time-variables.ts";
import { noSynchronize } from "./no-synchronize.ts";
import { rollingUpdatePossible } from "./rolling-update-possible.ts";
import { secretsAreSecret } from "./secrets-are-secret.ts";
import { statefulResourcesProtected } from "./stateful-resources-protected.ts";

/** Every rule, in the order a reader should learn them: what loses data first, then what loses requests. */
export const rules: Policies = [
  noSynchronize,
  migrationDeclared,
  migrationHasBackup,
  backupStorageProtected,
  statefulResourcesProtected,
  imagePinnedByDigest,
  healthGateRequired,
  rollingUpdatePossible,
  noBuildTimeVariables,
  secretsAreSecret,
];
