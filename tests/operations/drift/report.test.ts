import assert from "node:assert/strict";
import { repairOf } from "../../../operations/drift/repairs.ts";
import { markdownReport, textNotes, textRows, verdict } from "../../../operations/drift/report.ts";
import type { Difference, DriftReport } from "../../../operations/drift/spec.ts";

const difference = (change: Partial<Difference> = {}): Difference => ({
  ...{ part: "backend", kind: "setting", name: "stop_grace_period", declared: "20", found: "60" },
  ...change,
});

function report(change: Partial<DriftReport> = {}, differences: readonly Difference[] = []): DriftReport {
  return {
    stack: "staging",
    checkedAt: "2026-11-28T18:00:00.000Z",
    outcome: differences.length > 0 ? "drift" : "clean",
    checked: ["application backend"],
    differences: differences.map((one) => ({ ...one, resource: "backend-apply", repair: repairOf(one) })),
    ...{ unchecked: [], unobserved: [], repaired: [], unmanaged: [] },
    ...change,
  };
}

describe("a drift report", () => {
  it("says clean in one line when there is nothing to tell", () => {
    assert.equal(textRows(report()), null);
    assert.deepEqual(textNotes(report()), ["staging: clean, 1 parts looked at"]);
  });

  it("counts what was found and what could not be looked at", () => {
    const unchecked = [{ part: "roles", reason: "no answer" }];
    assert.equal(verdict(report({ unchecked, outcome: "could-not-check" })), "1 part could not be looked at");
    assert.equal(verdict(report({ unchecked }, [difference()])), "1 difference, 1 part could not be looked at");
  });

  it("is a table in Markdown, in which nothing that somebody typed in Coolify is markup", () => {
    const typed = difference({ name: "fqdn", declared: null, found: "http://x|y <img src=x> [a](b) @all" });
    const text = markdownReport(report({ unmanaged: ["*wiki*"] }, [typed]));
    assert.match(text, /^### Drift of `staging`: 1 difference\n/);
    const line = text.split("\n").find((one) => one.startsWith("| backend"));
    assert.equal(line?.split("|").length, 7);
    assert.doesNotMatch(text, /<img|\[a\]|@all|\*wiki/);
  });

  it("names for every kind who repairs it", () => {
    const by = (change: Partial<Difference>) => repairOf(difference(change)).by;
    assert.deepEqual(
      [
        by({}),
        by({ kind: "replica", declared: null, found: "an application" }),
        by({ kind: "replica", declared: "one application", found: null }),
        by({ kind: "replica", declared: "one application", found: "2 applications" }),
        by({ kind: "status", declared: "stopped" }),
        by({ kind: "database", name: "is_public" }),
        by({ kind: "database", name: "image" }),
        by({ kind: "place" }),
        by({ kind: "role" }),
        by({ kind: "ledger" }),
        by({ kind: "provider" }),
      ],
      [
        "affexai drift --repair",
        "a person",
        "affexai drift --repair",
        "a person",
        "a person",
        "affexai drift --repair",
        "a person",
        "a person",
        "affexai drift --repair",
        "pulumi up",
        "pulumi up",
      ],
    );
  });
});
