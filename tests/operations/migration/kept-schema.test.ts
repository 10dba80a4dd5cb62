import assert from "node:assert/strict";
import { keptSchema } from "../../../operations/migration/kept-schema.ts";
import { record } from "../../release-record.ts";

describe("what a migration says that it leaves", () => {
  const [migration] = record.migrations;
  const named = (id: string, ...names: string[]) => {
    assert.ok(migration);
    return { id, migrations: names.map((name) => ({ ...migration, name })) };
  };
  const second = named("release-2", "AddUsers", "AddTickets");
  const third = named("release-3", "AddUsers", "AddTickets", "AddPriority", "AddNotes");

  it("names what is new to the release to go back to, and whether that one runs on it", () => {
    assert.equal(
      keptSchema(third, second, { previousReleaseRuns: true }),
      "The schema keeps AddPriority, AddNotes, whatever becomes of release-3; release-2 runs on it.",
    );
    assert.match(keptSchema(third, second, { previousReleaseRuns: false }) ?? "", /; release-2 cannot run on it\.$/);
  });

  it("is nothing for the first release, for one without new migrations, and for one older than the database", () => {
    assert.equal(keptSchema(third, null, { previousReleaseRuns: null }), null);
    assert.equal(keptSchema(second, { ...second, id: "release-1" }, { previousReleaseRuns: true }), null);
    assert.equal(keptSchema(second, third, { previousReleaseRuns: true }), null);
  });
});
