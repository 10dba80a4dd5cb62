import assert from "node:assert/strict";
import { databaseAccess } from "../../../operations/database/access.ts";
import { readState, type State } from "../../../operations/database/state.ts";
import { resume } from "../../../operations/migration/resume.ts";
import type { ReleaseRecord } from "../../../operations/release/spec.ts";
import { application, scriptIn, type Application, type TestMigration } from "../database/support/application.ts";
import { migrate, outcomes, rejected, verified } from "../database/support/migration.ts";
import { withPrograms } from "../database/support/programs.ts";
import { environment, type Environment } from "../database/support/platform.ts";

const create: TestMigration = {
  name: "Create1760000000000",
  up: [
    "CREATE TABLE users (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email varchar(255) NOT NULL)",
    "INSERT INTO users (email) SELECT 'user' || n FROM generate_series(1, 50) n",
  ],
};
const rename: TestMigration = {
  name: "Rename1760000001000",
  up: ["ALTER TABLE users RENAME email TO mail"],
  down: ["ALTER TABLE users RENAME mail TO email"],
};
const fail: TestMigration = { name: "Fail1760000002000", up: ["SELECT 1/0"], down: ["SELECT 1"] };
const entities = `[new EntitySchema({ name: "User", tableName: "users", columns: {
  id: { type: "int", primary: true, generated: "increment", generatedIdentity: "ALWAYS" }, email: { type: "varchar", length: 255 } } })]`;

describe("the way back of a migration", () => {
  let place: Environment;
  let first: { app: Application; record: ReleaseRecord };
  let before: State;

  beforeEach(async () => {
    place = await environment();
    const app = await application({ migrations: [create], entities });
    first = { app, record: await app.record(place.context()) };
    await migrate(place, app, first.record);
    await verified(place);
    before = await state();
  });

  const state = () =>
    readState(databaseAccess(place.env, "DATABASE_URL"), "affexai-test", {
      historyTable: "migrations",
      protectedTables: [{ table: "public.users", columns: ["id", "email"] }],
    });
  /** Release 2, which declares maintenance; `proven`: a rehearsal has proven its downs. */
  const second = async (migrations: TestMigration[], proven: boolean, options = "") => {
    const app = await application({
      migrations: [create, ...migrations],
      entities: migrations.includes(rename) ? entities.replaceAll("email", "mail") : entities,
      options,
    });
    const record = await app.record(place.context(), { id: "release-2", maintenance: true });
    return {
      app,
      record: { ...record, migrations: record.migrations.map((one) => ({ ...one, downProven: proven })) },
    };
  };
  const each = 'migrationsTransactionMode: "each",';
  const writable = () => place.sql("app", "INSERT INTO users (email) VALUES ('written')");
  const frozen = () => assert.rejects(place.sql("app", "DELETE FROM users WHERE false"), { code: "25006" });
  const look = (...apps: Application[]) =>
    resume(
      { ledger: { bucket: place.bucket, environment: "test" }, app: place.roles.app },
      place.context(),
      scriptIn(...apps),
    );
  const leaseEnds = () =>
    place.sql("admin", "UPDATE public.freeze SET lease_until = now() - interval '1 second'", [], `${place.name}_ops`);
  const databases = async () =>
    (await place.sql("admin", "SELECT FROM pg_database WHERE datname LIKE $1", [`${place.name}%`])).length;

  it("runs the downs that were proven, and nothing is restored", async () => {
    const { app, record } = await second([rename, fail], true, each);
    await rejected(
      migrate(place, app, record),
      "failed",
      /division by zero/,
      /Rename1760000001000 reverted by the downs that were proven: .* and so is every row/,
    );
    assert.deepEqual(await state(), before);
    assert.equal(await databases(), 2);
    assert.deepEqual(await outcomes(place), ["done", "reverted"]);
    await writable();
  });

  it("restores where a proven down does not lead back", async () => {
    const lying = { ...rename, down: ["ALTER TABLE users RENAME mail TO e_mail"] };
    const { app, record } = await second([lying, fail], true, each);
    await rejected(migrate(place, app, record), "failed", /division by zero/, /restored from backup/);
    assert.deepEqual(await state(), before);
    assert.deepEqual(await outcomes(place), ["done", "restored"]);
    await writable();
  });

  it("runs no down that destroys a row, whoever has proven it", async () => {
    const greedy = { ...rename, down: [...(rename.down ?? []), "DELETE FROM users WHERE id = 1"] };
    const { app, record } = await second([greedy, fail], true, each);
    await rejected(migrate(place, app, record), "failed", /restored from backup/);
    assert.deepEqual(await state(), before);
    await writable();
  });

  for (const [how, proven] of [
    ["reverted", true],
    ["restored", false],
  ] as const) {
    it(`of an unverified release is taken by the older one's deployment: ${how}`, async () => {
      const { app, record } = await second([rename], proven);
      await migrate(place, app, record);
      await frozen();
      const back = await migrate(place, first.app, first.record, {}, [app]);
      assert.deepEqual([back.outcome, back.applied], ["up-to-date", []]);
      assert.deepEqual(await state(), before);
      await frozen();
      await verified(place);
      await writable();
      assert.deepEqual(await outcomes(place), ["done", "abandoned", how, "done"]);
    });

    it(`of an unverified release is taken by the agent once its lease has ended: ${how}`, async () => {
      const { app, record } = await second([rename], proven);
      await migrate(place, app, record, { freezeLeaseSeconds: 600 });
      assert.equal((await look(app)).state, "busy");
      await leaseEnds();
      const { settled, unfrozen, page } = await look(app);
      assert.deepEqual([settled.map(({ outcome }) => outcome), unfrozen], [[how], true]);
      assert.match(page.join("\n"), /Release release-2 was never verified within its lease\./);
      assert.deepEqual(await state(), before);
      await writable();
      // Its rollout goes on all the same, and may not be recorded any more.
      await rejected(verified(place), "refused", /is not recorded, because the schema is not the one/);
    });
  }

  it("of an unverified release loses no row that somebody wrote in spite of the freeze: it stops", async () => {
    const { app, record } = await second([rename], false);
    await migrate(place, app, record);
    await place.sql("app", "BEGIN READ WRITE; INSERT INTO users (mail) VALUES ('written'); COMMIT");
    await leaseEnds();
    const { settled } = await look(app);
    assert.deepEqual(
      settled.map(({ outcome }) => outcome),
      ["stopped"],
    );
    assert.match(place.notes.join("\n"), /somebody wrote in spite of the freeze: public\.users/);
    assert.deepEqual(await place.sql("admin", "SELECT mail FROM users WHERE mail = 'written'"), [{ mail: "written" }]);
  });

  it("is not begun when somebody wrote in spite of the freeze while the backup was taken", async () => {
    const { app, record } = await second([rename], false);
    const url = new URL(place.appUrl);
    const psql = `PGOPTIONS= PGPASSWORD=${url.password} psql -X -q -v ON_ERROR_STOP=1 -h ${url.hostname} -p ${url.port} -U ${url.username} -d ${place.name}`;
    await withPrograms(
      {
        pg_dump: `case "$1" in --version) exec pg_dump "$@";; esac
          ${psql} -c "SET default_transaction_read_only = off" -c "INSERT INTO users (email) VALUES ('written')" >&2
          exec pg_dump "$@"`,
      },
      (path) => {
        const env = { ...place.env, PATH: path };
        return rejected(
          migrate({ ...place, context: () => place.context({ env }) }, app, record),
          "refused",
          /was written in spite of the freeze: public\.users\./,
        );
      },
    );
    assert.deepEqual(await place.sql("admin", "SELECT count(*)::int AS rows FROM users"), [{ rows: 51 }]);
    assert.deepEqual(await outcomes(place), ["done", "refused"]);
    await writable();
  });

  it("of a release that goes on in a corrected one is not taken: the corrected one goes on from there", async () => {
    const { app, record } = await second([rename], false);
    await migrate(place, app, record);
    const corrected = await migrate(place, app, { ...record, id: "release-3" });
    assert.equal(corrected.outcome, "up-to-date");
    await verified(place);
    await place.sql("app", "INSERT INTO users (mail) VALUES ('written')");
    assert.deepEqual(await outcomes(place), ["done", "abandoned", "done"]);
  });

  it("that fails leaves the freeze, and is tried again until it works", async () => {
    const { app, record } = await second([rename], false);
    await migrate(place, app, record);
    await leaseEnds();
    await place.sql("admin", `ALTER ROLE ${place.roles.migrator} NOCREATEDB`);
    const broken = await look(app);
    assert.deepEqual([broken.settled.map(({ outcome }) => outcome), broken.unfrozen], [["stopped"], false]);
    assert.match(broken.page.join("\n"), /Going back to backup \S+ failed as well: .* stay frozen/);
    await frozen();
    await place.sql("admin", `ALTER ROLE ${place.roles.migrator} CREATEDB`);
    assert.deepEqual(
      (await look(app)).settled.map(({ outcome }) => outcome),
      ["restored"],
    );
    assert.deepEqual(await state(), before);
    await writable();
  });
});
