import { loadConfig } from "./config.ts";
import { ledgerReader } from "./ledger.ts";
import { declareRelease, lastOutputOfThisStack } from "./release.ts";

// Asked when this module is loaded: imported before the components, it has the ledger's process run while they load.

export const config = loadConfig();

/** The release that this run declares. */
export const declaring = declareRelease(
  { bucket: config.storage.backupBucket, environment: config.environment },
  { named: process.env["AFFEXAI_RELEASE"], ledger: ledgerReader, lastOutput: lastOutputOfThisStack },
);
