import assert from "node:assert/strict";
import { backupStore } from "../../../operations/backup/backup-store.ts";
import { createBackup } from "../../../operations/backup/create.ts";
import { drillBackup } from "../../../operations/backup/drill.ts";
import { rejected } from "../database/support/migration.ts";
import { environment } from "../database/support/platform.ts";
import { withPrograms } from "../database/support/programs.ts";

describe("large objects", () => {
  it("are counted and hashed over all their pieces, and missed by a drill when the dump lacks them", async () => {
    const place = await environment();
    const target = { bucket: place.bucket, environment: "test" };
    const create = (env: Record<string, string> = {}) =>
      createBackup.run({ ...target, reason: "manual" }, place.context({ env: { ...place.env, ...env } }));
    const described = async (id: string) => (await backupStore(target, place.context()).find(id)).largeObjects;
    assert.deepEqual(await described((await create()).id), { count: 0, bytes: 0, hash: "0" });
    await place.sql(
      "migrator",
      `SELECT lo_from_bytea(7001, 'a few bytes'), lo_create(7002), lo_from_bytea(7003, decode(repeat('ab', 2500000), 'hex'));
       GRANT SELECT ON LARGE OBJECT 7001, 7002, 7003 TO ${place.roles.backup}`,
    );
    const whole = await create();
    const before = await described(whole.id);
    assert.deepEqual([before?.count, before?.bytes], [3, 2_500_011]);
    assert.equal((await drillBackup.run({ ...target, id: whole.id }, place.context())).id, whole.id);

    const without = await withPrograms(
      { pg_dump: `case "$1" in --version) exec pg_dump "$@";; esac; exec pg_dump --no-blobs "$@"` },
      (PATH) => create({ PATH }),
    );
    assert.deepEqual(await described(without.id), before);
    const drill = drillBackup.run({ ...target, id: without.id }, place.context());
    await rejected(drill, "failed", /there are 0 large objects instead of 3/);

    await place.sql("migrator", "SELECT lo_put(7003, 2499999, 'x')");
    const changed = await described((await create()).id);
    assert.deepEqual([changed?.count, changed?.bytes], [3, 2_500_011]);
    assert.notEqual(changed?.hash, before?.hash);
  });
});
