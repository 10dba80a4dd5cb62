import assert from "node:assert/strict";
import { once } from "node:events";
import { BackupStore } from "../../../operations/backup/backup-store.ts";
import { isBrokenPipe } from "../../../operations/backup/checksum.ts";
import { createBackup } from "../../../operations/backup/create.ts";
import { openDump } from "../../../operations/backup/open-dump.ts";
import { restoreBackup } from "../../../operations/backup/restore.ts";
import { OperationError } from "../../../operations/error.ts";
import { objectStorage } from "../../../operations/storage.ts";
import { environment, type Environment } from "../database/support/platform.ts";
import { withPrograms } from "../database/support/programs.ts";

describe("a restore that the disk has no room for", () => {
  let place: Environment;
  let target: { readonly bucket: string; readonly environment: string };
  before(async () => {
    place = await environment();
    target = { bucket: place.bucket, environment: "test" };
    await place.sql(
      "migrator",
      "CREATE TABLE noise AS SELECT n, (SELECT string_agg(md5(random()::text || n || m), '') FROM generate_series(1, 100) m) AS text FROM generate_series(1, 2000) n",
    );
    await createBackup.run({ ...target, reason: "manual" }, place.context());
  });

  it("does not call the backup damaged because its reader ended first", async () => {
    const store = new BackupStore(objectStorage(place.env), target);
    const [newest] = await store.manifests();
    assert.ok(newest);
    for (const code of ["EPIPE", "ERR_STREAM_PREMATURE_CLOSE"]) {
      const dump = await openDump(store, newest, place.env);
      await once(dump, "data");
      const reason = Object.assign(new Error("the reader has ended"), { code });
      dump.destroy(reason);
      const [error] = (await once(dump, "error")) as [Error];
      assert.match(error.message, /the reader has ended/);
      assert.ok(isBrokenPipe(error), error.stack);
    }
  });

  it("leaves the live database alone and nothing behind, and says why", async () => {
    // As pg_restore ends then: in the middle of what it is fed, which breaks the pipe.
    const pg_restore = `case "$1" in --version) exec pg_restore "$@";; esac
      head -c 100000 > /dev/null
      echo 'pg_restore: error: COPY failed for table "noise": ERROR: could not extend file: No space left on device' >&2
      exit 1`;
    await assert.rejects(
      withPrograms({ pg_restore }, (PATH) =>
        restoreBackup.run(
          { ...target, dryRun: false, app: place.roles.app },
          place.context({ env: { ...place.env, PATH } }),
        ),
      ),
      (error) => error instanceof OperationError && /No space left on device/.test(error.message),
    );
    assert.deepEqual(await place.sql("app", "SELECT count(*)::int FROM noise"), [{ count: 2000 }]);
    assert.deepEqual(
      await place.sql("admin", "SELECT datname::text FROM pg_database WHERE datname LIKE $1 ORDER BY 1", [
        `${place.name}%`,
      ]),
      [{ datname: place.name }, { datname: `${place.name}_ops` }],
    );
  });
});
