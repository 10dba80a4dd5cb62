import assert from "node:assert/strict";
import fc from "fast-check";
import type { ReleaseRecord } from "../../../operations/release/spec.ts";
import { application } from "../database/support/application.ts";
import { checkPages, everything } from "../database/support/everything.ts";
import { migrate, outcomes, rejected, verified } from "../database/support/migration.ts";
import { environment } from "../database/support/platform.ts";
import { propertyRuns } from "../database/support/property-runs.ts";
import { randomDatabase } from "../database/support/random-database.ts";

const first = { name: "Create1760000000000", up: ["CREATE TABLE first (id int PRIMARY KEY)"] };

describe("the way back", () => {
  const usually = 20;
  const { numRuns, seed } = propertyRuns(usually);

  it(`leads from any committed damage to exactly the schema and the rows that were there (${numRuns} runs from seed ${seed})`, async function () {
    this.timeout(numRuns * 30_000);
    const app = await application({ migrations: [first] });
    const served = await app.record((await environment()).context());
    await fc.assert(
      fc.asyncProperty(migratable, async ({ create, damage }) => {
        const place = await environment();
        const owner = await place.connect("migrator");
        for (const statement of create) await owner.query(statement);
        await owner.end();
        await migrate(place, app, served);
        await verified(place);
        const before = await everything(place);
        const broken = await application({
          migrations: [
            first,
            {
              name: "Damage1760000001000",
              up: damage.map((one) => `js:await runner.query(${JSON.stringify(one)}).catch(() => undefined);`),
              transaction: false,
            },
            { name: "Fail1760000002000", up: ["CREATE TABLE late (id int)", "SELECT 1/0"], transaction: false },
          ],
        });
        const record = unnoticed(await broken.record(place.context(), { id: "release-2", maintenance: true }));
        await rejected(migrate(place, broken, record), "failed");
        assert.deepEqual(await everything(place), before);
        assert.deepEqual(await outcomes(place), ["done", "restored"]);
        if (numRuns > usually) await checkPages(place);
        await place.discard();
      }),
      { numRuns, seed, endOnFailure: true },
    );
  });
});

/** Preflight refuses a migration of large objects that the backup role does not own, and one of a backup role that may write as their owner. */
const migratable = randomDatabase.filter(
  ({ create }) => !create.some((statement) => statement.includes("LARGE OBJECT")),
);

/** The record of a release whose migrations looked harmless to everybody. */
function unnoticed(record: ReleaseRecord): ReleaseRecord {
  return { ...record, migrations: record.migrations.map((one) => ({ ...one, class: "SAFE", findings: [] })) };
}
