import assert from "node:assert/strict";
import { createBackup } from "../../../operations/backup/create.ts";
import { restoreBackup } from "../../../operations/backup/restore.ts";
import { isFrozen } from "../../../operations/database/freeze.ts";
import { resume } from "../../../operations/migration/resume.ts";
import type { ReleaseRecord } from "../../../operations/release/spec.ts";
import { application, scriptIn, type Application } from "../database/support/application.ts";
import { maintenanceSite, type MaintenanceSite } from "../database/support/maintenance-site.ts";
import { migrate, outcomes, rejected, verified } from "../database/support/migration.ts";
import { environment, type Environment } from "../database/support/platform.ts";

const create = {
  name: "Create1760000000000",
  up: ["CREATE TABLE users (id int PRIMARY KEY)", "INSERT INTO users SELECT generate_series(1, 20)"],
};
const column = { name: "Column1760000001000", up: ["ALTER TABLE users ADD nickname text"] };
const entities = `[new EntitySchema({ name: "User", tableName: "users",
  columns: { id: { type: "int", primary: true }, nickname: { type: "text", nullable: true } } })]`;

describe("a restore by hand", () => {
  let place: Environment;
  let site: MaintenanceSite;
  let target: { bucket: string; environment: string };
  let second: { app: Application; record: ReleaseRecord };

  before(async () => {
    [place, site] = await Promise.all([environment(), maintenanceSite()]);
    Object.assign(place.env, site.env);
    target = { bucket: place.bucket, environment: "test" };
    const first = await application({ migrations: [create] });
    await migrate(place, first, await first.record(place.context()));
    await verified(place);
    const app = await application({ migrations: [create, column], entities });
    const record = await app.record(place.context(), { id: "release-2", maintenance: true });
    second = { app, record };
  });

  const restore = (changes: object = {}) =>
    restoreBackup.run(
      { ...target, dryRun: false, app: place.roles.app, maintenance: site.target, ...changes },
      place.context(),
    );
  const deploySecond = () => migrate(place, second.app, second.record, { maintenance: site.target });
  const isUsable = async () => {
    const client = await place.connect("migrator", `${place.name}_ops`);
    const frozen = await isFrozen(client, { database: place.name, app: place.roles.app });
    await client.end();
    await place.sql("app", "UPDATE users SET id = id");
    assert.deepEqual([frozen, site.isOn(), (await outcomes(place)).includes(null)], [false, false, false]);
  };

  it("is refused while a release is rolled out under a freeze, and forced takes freeze and maintenance page away", async () => {
    await deploySecond();
    assert.equal(site.isOn(), true);
    await rejected(
      restore(),
      "refused",
      /release-2: is being rolled out, .* frozen for it until/,
      /nothing was touched/,
    );
    assert.equal((await restore({ dryRun: true })).swapped, false);
    assert.equal(site.isOn(), true);
    assert.equal((await restore({ force: true })).swapped, true);
    await isUsable();
  });

  it("is refused where the release that serves could not live with the schema, with what a swap would cost", async () => {
    const { id } = await createBackup.run({ ...target, reason: "manual" }, place.context());
    await migrate(place, second.app, { ...second.record, id: "release-3", maintenance: false });
    await verified(place);
    await place.sql("app", "INSERT INTO users (id) VALUES (21), (22)");
    const { consequences } = await restore({ id, dryRun: true });
    assert.deepEqual(consequences.rows, [
      { table: "public.migrations", live: 2, backup: 1 },
      { table: "public.users", live: 22, backup: 20 },
    ]);
    assert.equal(consequences.serving?.release, "release-3");
    await rejected(
      restore({ id }),
      "refused",
      /is older than release release-3, which serves and cannot live with it:\n {2}- .*nickname/,
      /affexai rollback --restore-database/,
    );
    assert.deepEqual(await place.sql("app", "SELECT count(*)::int FROM users"), [{ count: 22 }]);
    assert.equal((await restore({ id, force: true })).swapped, true);
    assert.deepEqual(await place.sql("app", "SELECT count(*)::int FROM users"), [{ count: 20 }]);
    await isUsable();
  });

  it("leaves it to the agent to end a maintenance whose lease is over", async () => {
    await deploySecond();
    assert.equal(site.isOn(), true);
    await place.sql("admin", "UPDATE public.freeze SET lease_until = now() - interval '1 s'", [], `${place.name}_ops`);
    const spec = { ledger: target, app: place.roles.app, maintenance: site.target };
    const result = await resume(spec, place.context(), scriptIn(second.app));
    assert.deepEqual([result.state, result.unfrozen], ["resumed", true]);
    await isUsable();
  });
});
