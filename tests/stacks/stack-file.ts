import * as pulumi from "@pulumi/pulumi";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { parse } from "yaml";
import { root } from "../../sandbox/setup/paths.ts";

const StackFile = z.object({ config: z.record(z.string(), z.unknown()) });

/** A stack file's configuration, as it stands in the repository. */
export async function stackFile(stack: string): Promise<Record<string, unknown>> {
  return StackFile.parse(parse(await readFile(join(root, `Pulumi.${stack}.yaml`), "utf8"))).config;
}

/** Gives a configuration to the program as the engine does: maps as JSON, the rest as text, and which keys are secret. */
export function configure(config: Record<string, unknown>, secrets: Record<string, string> = {}): void {
  const texts = Object.entries({ ...config, ...secrets }).map(
    ([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)] as const,
  );
  pulumi.runtime.setAllConfig(Object.fromEntries(texts), Object.keys(secrets));
}

/** What a stack keeps encrypted; made up here. */
export function secretsOf(stack: string): Record<string, string> {
  return { sandbox: {}, production: productionSecrets }[stack] ?? stagingSecrets;
}

const stagingSecrets = { "affexai:agentCoolifyToken": "3|a-token-of-the-agent" };
export const productionSecrets = {
  ...stagingSecrets,
  "affexai:databaseAdminUrl": "postgresql://root:pw@db.example.com:5432/postgres?sslmode=verify-full",
  "affexai:cacheUrl": "rediss://default:pw@cache.example.com:6380/0",
};
