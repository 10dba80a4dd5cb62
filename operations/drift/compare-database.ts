import { Database } from "../coolify/answers.ts";
import type { CoolifyClient } from "../coolify/client.ts";
import type { DeclaredDatabase } from "../coolify/database-comparison.ts";
import { databaseDifferences } from "../coolify/database-differences.ts";
import type { Comparison, Mask } from "../coolify/differences.ts";
import type { EnvironmentView } from "../coolify/probe.ts";

/** `uuid` is that of the database which `apply` found or made: another one of its name is another database. */
export async function compareDatabase(
  declared: DeclaredDatabase,
  uuid: string,
  { coolify, environment, mask }: { coolify: CoolifyClient; environment: EnvironmentView; mask: Mask },
): Promise<Comparison> {
  const siblings = declared.kind === "postgresql" ? environment.postgresqls : environment.redis;
  const found = siblings.some((one) => one.uuid === uuid) ? await coolify.find(`/databases/${uuid}`, Database) : null;
  const part = `${declared.kind} ${declared.name}`;
  const others = siblings.filter((one) => one.name === declared.name && one.uuid !== uuid);
  if (found === null || others.length > 0) {
    const names = others.map((one) => one.uuid).join(", ");
    const seen = found === null ? (names === "" ? null : `another one, ${names}`) : `and another one, ${names}`;
    return {
      differences: [{ part, kind: "database", name: "database", declared: uuid, found: seen }],
      unobserved: [],
    };
  }
  const compared = databaseDifferences(declared, found, mask);
  if (found.name === declared.name) return compared;
  const renamed = { part, kind: "database" as const, name: "name", declared: declared.name, found: found.name };
  return { ...compared, differences: [renamed, ...compared.differences] };
}
