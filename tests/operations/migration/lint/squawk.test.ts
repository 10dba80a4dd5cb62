import assert from "node:assert/strict";
import { lintWithSquawk, silenced } from "../../../../operations/migration/lint/squawk.ts";

const context = { signal: new AbortController().signal };

describe("squawk", () => {
  it("adds what it knows of locks and scans, at the statement, and keeps quiet where our own rules speak", async function () {
    const statements = [
      "ALTER TABLE t ADD COLUMN a int NOT NULL DEFAULT 0",
      "ALTER TABLE t\n  ADD CONSTRAINT f FOREIGN KEY (a)\n  REFERENCES s (id)",
      "DROP INDEX i",
    ];
    const found = await lintWithSquawk([{ name: "A1", statements, transaction: true }], 15, context);
    if (found === null) {
      console.log(`      pending: squawk has no program for ${process.platform} ${process.arch} here`);
      return this.skip();
    }
    assert.deepEqual(
      found.map(({ migration, finding }) => [migration, finding.rule, finding.statement, finding.class]),
      [
        ["A1", "squawk/constraint-missing-not-valid", 1, "WARN"],
        ["A1", "squawk/adding-foreign-key-constraint", 1, "WARN"],
        ["A1", "squawk/require-concurrent-index-deletion", 2, "WARN"],
      ],
    );
    for (const { finding } of found) assert.ok(finding.message !== "" && finding.remedy !== "");
  });

  it("says for each rule that is left out why", () => {
    for (const [rule, reason] of Object.entries(silenced)) assert.match(reason, /\w{4}/, rule);
  });
});
