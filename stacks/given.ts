import type * as pulumi from "@pulumi/pulumi";
import type { Config } from "./config.ts";
import type { SecretSetting } from "./settings.ts";

/** A secret that `loadConfig` has already seen to be there. */
export function given({ secrets }: Config, key: SecretSetting): pulumi.Output<string> {
  const value = secrets[key];
  if (value === undefined) throw new Error(`${key} is needed here but loadConfig let it be missing`);
  return value;
}
