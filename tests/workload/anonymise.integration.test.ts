import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { readColumns, readReferences } from "../../operations/anonymise/columns.ts";
import { judgeRules } from "../../operations/anonymise/judge.ts";
import { readRules } from "../../operations/anonymise/rules-file.ts";
import { environment } from "../operations/database/support/platform.ts";

interface Migration {
  up(runner: { query(sql: string): Promise<unknown> }): Promise<void>;
}

const workload = new URL("../../examples/affexai/", import.meta.url);
/** Releases 4 and 5 are what 3 is, with migrations that never stay. */
const releases = ["", "releases/2/", "releases/3/"];

/** The migrations of all releases that build on one another, in order, as their sources have them. */
async function migrations(): Promise<Migration[]> {
  const found: Migration[] = [];
  for (const release of releases) {
    const folder = new URL(`${release}apps/backend/src/database/migrations/`, workload);
    for (const file of (await readdir(folder)).sort()) {
      const module = (await import(new URL(file, folder).href)) as Record<string, new () => Migration>;
      found.push(...Object.values(module).map((Class) => new Class()));
    }
  }
  return found;
}

describe("the workload's rules for anonymised data", () => {
  it("cover every column of its latest schema, and nothing else", async () => {
    const place = await environment();
    const client = await place.connect("migrator");
    try {
      for (const migration of await migrations()) await migration.up(client);
      const rules = await readRules(fileURLToPath(new URL("anonymise.yaml", workload)));
      const columns = await readColumns(client, "migrations");
      assert.equal(new Set(columns.map(({ table }) => table)).size, 11);
      assert.deepEqual(judgeRules(columns, await readReferences(client), rules).problems, []);
      const others = Object.entries(rules.tables).filter(([table]) => table !== "users");
      const { problems } = judgeRules(columns, [], { ...rules, tables: Object.fromEntries(others) });
      assert.deepEqual(
        problems.map((problem) => problem.split(" ")[0]),
        ["users.email", "users.name", "users.role", "users.password_hash", "users.full_name"],
      );
    } finally {
      await client.end();
    }
  });
});
