import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { Ledger } from "../../../operations/release/ledger.ts";
import type { ReleaseRecord } from "../../../operations/release/spec.ts";
import { objectStorage } from "../../../operations/storage.ts";
import { application } from "../database/support/application.ts";
import { checkPages, everything } from "../database/support/everything.ts";
import { migrate, outcomes, rejected } from "../database/support/migration.ts";
import { environment, type Environment } from "../database/support/platform.ts";
import { propertyRuns } from "../database/support/property-runs.ts";
import { randomDatabase } from "../database/support/random-database.ts";

const first = { name: "Create1760000000000", up: ["CREATE TABLE first (id int PRIMARY KEY)"] };
/** Statements that may fail, and what succeeds is committed; then the release fails. */
const harmful = [
  first,
  {
    name: "Damage1760000001000",
    up: [
      `js:const damage = JSON.parse(require("node:fs").readFileSync(__dirname + "/damage.json", "utf8"));
       for (const statement of damage) await runner.query(statement).catch(() => undefined);`,
    ],
    transaction: false,
  },
  { name: "Fail1760000002000", up: ["CREATE TABLE late (id int)", "SELECT 1/0"], transaction: false },
];

describe("the way back", () => {
  const usually = 20;
  const { numRuns, seed } = propertyRuns(usually);

  it(`leads from any committed damage to exactly the schema and the rows that were there (${numRuns} runs from seed ${seed})`, async function () {
    this.timeout(numRuns * 30_000);
    const context = (await environment()).context();
    const served = await (await application({ migrations: [first] })).record(context);
    const broken = await application({ migrations: harmful });
    const record = unnoticed(await broken.record(context, { id: "release-2", maintenance: true }));
    await fc.assert(
      fc.asyncProperty(migratable, async ({ create, damage }) => {
        const place = await environment();
        const owner = await place.connect("migrator");
        for (const statement of [...create, ...first.up, ...history]) await owner.query(statement);
        await owner.end();
        await serve(place, served);
        const before = await everything(place);
        await writeFile(join(broken.dir, "dist/damage.json"), JSON.stringify(damage));
        await rejected(migrate(place, broken, record), "failed");
        assert.deepEqual(await everything(place), before);
        assert.deepEqual(await outcomes(place), ["restored"]);
        if (numRuns > usually) await checkPages(place);
        await place.discard();
      }),
      { numRuns, seed, endOnFailure: true },
    );
  });
});

/** As TypeORM keeps it. */
const history = [
  "CREATE TABLE migrations (id serial PRIMARY KEY, timestamp bigint NOT NULL, name varchar NOT NULL)",
  `INSERT INTO migrations (timestamp, name) VALUES (1760000000000, '${first.name}')`,
];

/** The ledger of an environment in which a release was verified. */
async function serve(place: Environment, record: ReleaseRecord): Promise<void> {
  const ledger = new Ledger(objectStorage(place.env), { bucket: place.bucket, environment: "test" });
  await ledger.putRelease(record);
  const attempt = await ledger.joinAttempt({ id: record.id, after: null }, "a test");
  await ledger.close(attempt, "verified", "a test");
}

/** Preflight refuses a migration of large objects that the backup role does not own, and one of a backup role that may write as their owner. */
const migratable = randomDatabase.filter(
  ({ create }) => !create.some((statement) => statement.includes("LARGE OBJECT")),
);

/** The record of a release whose migrations looked harmless to everybody. */
function unnoticed(record: ReleaseRecord): ReleaseRecord {
  return { ...record, migrations: record.migrations.map((one) => ({ ...one, class: "SAFE", findings: [] })) };
}
