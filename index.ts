// First, because the ledger is asked while the rest loads.
import { config, declaring } from "./stacks/declared.ts";
import { platform } from "./stacks/platform.ts";
import { coolifyPreview } from "./stacks/preview.ts";

// Pulumi's runner sends every stack trace through source maps, which costs a preview a second. Stripped types leave lines as they are.
Reflect.deleteProperty(Error, "prepareStackTrace");

const declared = await declaring;
const preview = coolifyPreview();
export const { release, urls, targets, databaseUrl, backupDatabaseUrl, adminDatabaseUrl, databaseSsh, pruner } =
  platform(config, declared, preview);
await preview?.tell();
