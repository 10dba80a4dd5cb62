import type { Output } from "@pulumi/pulumi";
import type { Config } from "./config.ts";
import { given } from "./given.ts";

/** Who can read the stack's backups: public keys that all of them are encrypted to, and a private one. Undefined where they are plain. */
export function backupEncryption(config: Config): { recipients: string[]; identity: Output<string> } | undefined {
  const recipients = config.tools?.recipients;
  return recipients === undefined ? undefined : { recipients, identity: given(config, "backupIdentity") };
}
