import assert from "node:assert/strict";
import { markdownReport } from "../../../operations/migration/report.ts";
import { MigrationRecord } from "../../../operations/release/spec.ts";

const migration = MigrationRecord.parse({
  name: "AddToken1760000001000",
  sha256: "0".repeat(64),
  statements: ['ALTER TABLE "users" ADD "token" uuid DEFAULT gen_random_uuid()'],
  class: "WARN",
  findings: [
    {
      ...{ rule: "volatile-default", class: "WARN", statement: 0, forbidden: false },
      message: "users.token has a default that differs by row.",
      remedy: "Fill it in batches.",
    },
  ],
  hasDown: true,
  downProven: true,
  rehearsal: {
    backup: "20260101T000000Z-abcdef",
    ms: 1061,
    statements: [
      {
        ...{ ms: 1057.4, rewrites: ["users", "users_pkey"], rows: null },
        locks: { users: "AccessExclusiveLock", teams: "AccessShareLock" },
      },
    ],
  },
  transaction: true,
});
const report = { subject: "release-2", environment: "production", findings: [], refusal: null };

describe("the report of a migration plan", () => {
  it("is Markdown for a pull request: a table, and each finding with its statement and its remedy", () => {
    assert.equal(
      markdownReport({ ...report, rehearsedOn: "backup 20260101T000000Z-abcdef", pending: [migration] }),
      `### Migrations of release-2 for production

Rehearsed on backup 20260101T000000Z-abcdef.

| Migration | Class | Worst lock | Rewrites | Time | \`down\` |
| --- | --- | --- | --- | ---: | --- |
| AddToken1760000001000 | WARN | AccessExclusiveLock on users | users, users_pkey | 1061 ms | proven |

- **WARN** \`AddToken1760000001000\`: users.token has a default that differs by row. *Fill it in batches.* (volatile-default)
  \` ALTER TABLE "users" ADD "token" uuid DEFAULT gen_random_uuid() \`

`,
    );
  });

  it("says what is not known without a rehearsal, and why a plan is refused", () => {
    const unseen = { ...migration, rehearsal: null, downProven: false };
    const text = markdownReport({ ...report, rehearsedOn: null, pending: [unseen], refusal: "it must not run." });
    assert.match(text, /\*\*Refused:\*\* it must not run\./);
    assert.match(text, /Not rehearsed: locks, rewrites and times are not known\./);
    assert.match(text, /\| AddToken1760000001000 \| WARN \| \? \| \? \| \? \| not proven \|/);
  });

  it("is short when nothing is pending", () => {
    assert.equal(
      markdownReport({ ...report, rehearsedOn: null, pending: [] }),
      "### Migrations of release-2 for production\n\nNo migration is pending.\n\n",
    );
  });

  it("reads findings of older records, which were sentences", () => {
    const old = MigrationRecord.parse({
      ...{ ...migration, findings: ["DESTROYS: The table t is dropped."] },
    });
    assert.deepEqual(
      old.findings.map(({ class: kind, message }) => [kind, message]),
      [["DESTROYS", "The table t is dropped."]],
    );
  });
});
