import { loadConfig } from "./stacks/config.ts";
import { ledgerReader } from "./stacks/ledger.ts";
import { coolifyPreview } from "./stacks/preview.ts";
import { declareRelease, lastOutputOfThisStack } from "./stacks/release.ts";

// Pulumi's runner sends every stack trace through source maps, which costs a preview a second. Stripped types leave lines as they are.
Reflect.deleteProperty(Error, "prepareStackTrace");

const config = loadConfig();
// The ledger's answer takes as long as loading what is declared.
const [declared, { platform }] = await Promise.all([
  declareRelease(
    { bucket: config.storage.backupBucket, environment: config.environment },
    { named: process.env["AFFEXAI_RELEASE"], ledger: ledgerReader, lastOutput: lastOutputOfThisStack },
  ),
  import("./stacks/platform.ts"),
]);

const preview = coolifyPreview();
export const { release, urls, targets, databaseUrl, backupDatabaseUrl, adminDatabaseUrl, databaseSsh } = platform(
  config,
  declared,
  preview,
);
await preview?.tell();
