import assert from "node:assert/strict";
import { application } from "../database/support/application.ts";
import { migrate, outcomes, rejected } from "../database/support/migration.ts";
import { environment } from "../database/support/platform.ts";

describe("the space of a way back", () => {
  it("is asked for before a release goes into maintenance, and told where the server cannot be asked", async () => {
    const place = await environment();
    const app = await application({
      migrations: [{ name: "Create1760000000000", up: ["CREATE TABLE users (id int PRIMARY KEY)"] }],
    });
    const record = await app.record(place.context(), { maintenance: true });
    const where = (changes: Record<string, string>) => {
      const env = { ...place.env, ADMIN_DATABASE_URL: "", ...changes };
      return { ...place, context: () => place.context({ env }) };
    };
    const bytes = "SELECT pg_database_size($1)::bigint AS bytes";
    const [size] = await place.sql<{ bytes: string }>("admin", bytes, [place.name]);
    const free = Number(size?.bytes) + 1_000_000;
    await rejected(
      migrate(where({ DATABASE_FREE_BYTES: String(free) }), app, record),
      "refused",
      new RegExp(`is not ready for a migration:\n {2}- the server has ${free} bytes free, and about \\d+ are needed`),
    );
    await rejected(migrate(where({ DATABASE_FREE_BYTES: "10G" }), app, record), "usage", /is 10G, and has to be/);
    assert.deepEqual(
      place.notes.filter((note) => note.startsWith("freeze")),
      [],
    );
    assert.deepEqual(await outcomes(place).catch(() => []), []);
    assert.equal((await migrate(where({}), app, record)).outcome, "migrated");
    assert.equal(place.notes.filter((note) => note.includes("DATABASE_FREE_BYTES tells")).length, 1);
  });
});
