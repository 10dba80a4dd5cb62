import assert from "node:assert/strict";
import { lockedTables } from "../../../operations/migration/locked-tables.ts";

const table: readonly (readonly [sql: string, tables: readonly string[] | "all"])[] = [
  ["ALTER TABLE users ADD COLUMN a int", ['"public"."users"']],
  ['ALTER TABLE audit."Log" ADD COLUMN a int', ['"audit"."Log"']],
  ["CREATE TABLE pages (id int, owner int REFERENCES users)", ['"public"."pages"', '"public"."users"']],
  ["ALTER TABLE pages ADD FOREIGN KEY (owner) REFERENCES users", ['"public"."pages"', '"public"."users"']],
  ["CREATE INDEX i ON users (email)", ['"public"."users"']],
  ["DROP INDEX users_email", ['"public"."users_email"']],
  ["DROP TABLE audit.events, users", ['"audit"."events"', '"public"."users"']],
  ["TRUNCATE users", ['"public"."users"']],
  ["LOCK TABLE users", ['"public"."users"']],
  ["ALTER TABLE users RENAME email TO mail", ['"public"."users"']],
  ["CREATE TRIGGER t AFTER INSERT ON users FOR EACH ROW EXECUTE FUNCTION f()", ['"public"."users"']],
  ["UPDATE users SET a = 1; INSERT INTO pages SELECT 1; DELETE FROM pages", []],
  ["CREATE VIEW v AS SELECT * FROM users", []],
  ["SELECT 1", []],
  ["DO $$ BEGIN END $$", "all"],
  ["this is no SQL", "all"],
];

describe("the tables that statements lock", () => {
  for (const [sql, tables] of table) {
    it(`are ${tables === "all" ? "not known" : tables.join(", ") || "none"} for ${sql}`, async () => {
      const locked = await lockedTables([sql]);
      assert.deepEqual(locked === "all" ? locked : [...locked].sort(), tables);
    });
  }
});
