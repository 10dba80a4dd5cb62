import assert from "node:assert/strict";
import { compareWithBackup, type LiveFigures } from "../../../operations/database/compare-with-backup.ts";

const content = { columns: ["id"], hash: null };
const backup = {
  id: "20260101T000000Z-abcdef",
  takenAt: "2026-01-01T00:00:00.000Z",
  fingerprint: "f",
  historyTable: "migrations",
  migrations: ["One1760000000000"],
  tables: [
    { table: "public.pages", rows: 20, ...content },
    { table: "public.users", rows: 50, ...content },
  ],
};
const since = "backup 20260101T000000Z-abcdef of 2026-01-01T00:00:00.000Z";
const live = (pages: number | null, users: number, changes: Partial<LiveFigures> = {}): LiveFigures => ({
  fingerprint: "f",
  history: ["One1760000000000"],
  counts: [
    ...(pages === null ? [] : [{ table: "public.pages", rows: pages }]),
    { table: "public.users", rows: users },
    { table: "public.added", rows: 3 },
  ],
  isProtected: new Set(["public.pages"]),
  ...changes,
});

const table: readonly { what: string; live: LiveFigures; findings: readonly string[]; notes?: readonly string[] }[] = [
  { what: "as many rows or more", live: live(20, 60), findings: [] },
  {
    what: "fewer rows",
    live: live(20, 40),
    findings: [],
    notes: [`public.users had 50 rows in ${since}, and has 40`],
  },
  {
    what: "no rows any more",
    live: live(20, 0),
    findings: [`rows: public.users had 50 rows in ${since}, and is empty`],
  },
  {
    what: "fewer rows in a protected table",
    live: live(19, 50),
    findings: [`protected tables: public.pages had 20 rows in ${since}, and has 19`],
  },
  {
    what: "a missing table",
    live: live(null, 50),
    findings: [`rows: public.pages had 20 rows in ${since}, and is gone`],
  },
  {
    what: "a missing table after a migration",
    live: live(null, 50, { history: ["One1760000000000", "Two1760000001000"], fingerprint: "g" }),
    findings: [],
    notes: [`public.pages had 20 rows in ${since}, and is gone; Two1760000001000 ran since`],
  },
  {
    what: "a migration that is gone",
    live: live(20, 50, { history: [] }),
    findings: [`migrations: One1760000000000 had run at ${since}, and is not in the history any more`],
  },
  {
    what: "another schema without a migration",
    live: live(20, 50, { fingerprint: "g" }),
    findings: [`schema: is not that of ${since}, and no migration ran since: somebody changed it by hand`],
  },
];

describe("a live database beside its newest backup", () => {
  for (const { what, live: figures, findings, notes = [] } of table) {
    it(`with ${what}`, () => {
      const compared = compareWithBackup(figures, backup);
      assert.deepEqual(
        compared.findings.map(({ check, text }) => `${check}: ${text}`),
        findings,
      );
      assert.deepEqual(compared.notes, notes);
    });
  }

  it("without one is a finding", () => {
    assert.deepEqual(compareWithBackup(live(20, 50), null).findings, [
      { check: "backup", text: "there is none of this database" },
    ]);
  });
});
