import assert from "node:assert/strict";
import { ListObjectsV2Command } from "@aws-sdk/client-s3";
import { BackupStore } from "../../../operations/backup/backup-store.ts";
import { databaseAccess } from "../../../operations/database/access.ts";
import { freezeOff, freezeOn, freezeStatus } from "../../../operations/database/freeze-verbs.ts";
import { JournalCopy } from "../../../operations/journal-copy.ts";
import { resume } from "../../../operations/migration/resume.ts";
import { MigrationWork } from "../../../operations/migration/spec.ts";
import { restoreDatabase, revertDatabase, type OlderDatabase } from "../../../operations/release/rollback-database.ts";
import type { ReleaseRecord } from "../../../operations/release/spec.ts";
import { objectStorage } from "../../../operations/storage.ts";
import { application, scriptIn, type Application, type TestMigration } from "../database/support/application.ts";
import { migrate, migrationSpec, outcomes, rejected, verified } from "../database/support/migration.ts";
import { environment, type Environment } from "../database/support/platform.ts";

const create: TestMigration = {
  name: "Create1760000000000",
  up: ["CREATE TABLE users (id int PRIMARY KEY, email text NOT NULL)", "INSERT INTO users VALUES (1, 'one')"],
};
const rename: TestMigration = {
  name: "Rename1760000001000",
  up: ["ALTER TABLE users RENAME email TO mail"],
  down: ["ALTER TABLE users RENAME mail TO email"],
};
const entities = `[new EntitySchema({ name: "User", tableName: "users", columns: {
  id: { type: "int", primary: true }, email: { type: "text" } } })]`;

describe("the database of a rollback", () => {
  let place: Environment;
  let first: { app: Application; record: ReleaseRecord };
  let second: { app: Application; record: ReleaseRecord };

  const released = async (down = rename.down ?? []) => {
    place = await environment();
    const one = await application({ migrations: [create], entities });
    first = { app: one, record: await one.record(place.context()) };
    await migrate(place, one, first.record);
    await verified(place);
    const two = await application({
      migrations: [create, { ...rename, down }],
      entities: entities.replaceAll("email", "mail"),
    });
    second = { app: two, record: await two.record(place.context(), { id: "release-2", maintenance: true }) };
    await migrate(place, two, second.record);
    await verified(place);
    await place.sql("app", "INSERT INTO users (id, mail) VALUES (2, 'two')");
  };
  const older = (): OlderDatabase => {
    const [storage, at] = [objectStorage(place.env), { bucket: place.bucket, environment: "test" }];
    return {
      access: {
        migrator: databaseAccess(place.env, "DATABASE_URL"),
        backup: databaseAccess(place.env, "BACKUP_DATABASE_URL"),
      },
      store: new BackupStore(storage, at),
      copy: new JournalCopy(storage, at, place.context().progress),
      window: { freeze: { database: place.name, app: place.roles.app } },
      leaseSeconds: 600,
      target: first.record,
    };
  };
  const reversal = () => ({
    names: [rename.name],
    holder: second.record,
    work: MigrationWork.strip().parse(migrationSpec(place, second.app, second.record)),
    scriptFor: scriptIn(first.app, second.app),
  });
  const rows = () => place.sql("app", "SELECT * FROM users ORDER BY id");
  const frozen = () => assert.rejects(place.sql("app", "DELETE FROM users WHERE false"), { code: "25006" });
  const olderServes = async () => {
    await frozen();
    const { outcome } = await migrate(place, first.app, first.record);
    assert.equal(outcome, "up-to-date");
    await verified(place);
    await place.sql("app", "INSERT INTO users (id, email) VALUES (3, 'three')");
  };

  it("is reverted with what was written since, and stays frozen until the older release is recorded", async () => {
    await released();
    await revertDatabase(older(), reversal(), place.context());
    assert.deepEqual(await rows(), [
      { id: 1, email: "one" },
      { id: 2, email: "two" },
    ]);
    await olderServes();
    assert.deepEqual(await outcomes(place), ["done", "done", "reverted", "done"]);
  });

  it("is as it was, and may be written to, when the downs do not lead to what the older release needs", async () => {
    await released(["ALTER TABLE users RENAME mail TO e_mail"]);
    await rejected(
      revertDatabase(older(), reversal(), place.context()),
      "failed",
      /release-1: cannot live with what the downs left/,
      /restored from backup/,
    );
    assert.deepEqual(await rows(), [
      { id: 1, mail: "one" },
      { id: 2, mail: "two" },
    ]);
    await place.sql("app", "INSERT INTO users (id, mail) VALUES (3, 'three')");
    assert.deepEqual(await outcomes(place), ["done", "done", "restored"]);
  });

  it("is restored where somebody gave the writes since up, which are kept beside", async () => {
    await released();
    const { store } = older();
    const backup = (await store.manifests()).findLast(({ migrations }) => !migrations.includes(rename.name));
    assert.ok(backup);
    await restoreDatabase(older(), backup.id, place.context());
    assert.deepEqual(await rows(), [{ id: 1, email: "one" }]);
    await olderServes();
    assert.match(place.notes.join("\n"), /what was written since backup \S+ is kept as t\w+_old_/);
    assert.deepEqual(await outcomes(place), ["done", "done", "restored", "done"]);
  });

  it("is let write by the agent when the older release never came", async () => {
    await released();
    await revertDatabase(older(), reversal(), place.context());
    await place.sql("admin", "UPDATE public.freeze SET lease_until = now()", [], `${place.name}_ops`);
    const spec = { ledger: { bucket: place.bucket, environment: "test" }, app: place.roles.app };
    const result = await resume(spec, place.context(), scriptIn(second.app));
    assert.deepEqual([result.state, result.settled, result.unfrozen], ["resumed", [], true]);
    assert.match(result.page.join(), /The freeze of \w+_app's writes for release release-1 was lifted/);
    await place.sql("app", "INSERT INTO users (id, email) VALUES (3, 'three')");
  });

  it("has every step in the bucket too, and does without when the bucket is gone", async () => {
    await released();
    const { Contents = [] } = await objectStorage(place.env).send(
      new ListObjectsV2Command({ Bucket: place.bucket, Prefix: "journal-copy/test/" }),
    );
    const events = Contents.map(({ Key = "" }) => Key.split("/").at(-1));
    assert.equal(events.filter((event) => event === "begun.json").length, 2);
    assert.equal(events.filter((event) => event === "ended.json").length, 2);
    for (const step of ["freeze", "backup", "measure", "migrate", "verify"])
      assert.ok(
        events.some((event) => event?.endsWith(`-${step}.finished.json`)),
        step,
      );
    const gone = { bucket: "no-such-bucket", environment: "test" };
    const copy = new JournalCopy(objectStorage(place.env), gone, place.context().progress);
    await revertDatabase({ ...older(), copy }, reversal(), place.context());
    const notes = place.notes.filter((note) => note.startsWith("the journal's copy in bucket no-such-bucket"));
    assert.equal(notes.length, 1);
  });

  it("is frozen and let write by hand, and by the agent after the time that was given", async () => {
    await released();
    const app = place.roles.app;
    assert.deepEqual(await freezeStatus.run({ app }, place.context()), {
      ...{ frozen: false, since: null, leaseUntil: null, release: null },
    });
    const on = await freezeOn.run({ app, minutes: 1 }, place.context());
    assert.deepEqual([on.frozen, on.release, typeof on.since], [true, null, "string"]);
    await frozen();
    assert.equal((await freezeOff.run({ app }, place.context())).frozen, false);
    await freezeOn.run({ app, minutes: 0.0001 }, place.context());
    const spec = { ledger: { bucket: place.bucket, environment: "test" }, app };
    assert.match((await resume(spec, place.context())).page.join(), /writes by hand was lifted/);
    await place.sql("app", "INSERT INTO users (id, mail) VALUES (3, 'three')");
  });
});
