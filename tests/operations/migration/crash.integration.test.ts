import assert from "node:assert/strict";
import { ListMultipartUploadsCommand, ListObjectsV2Command } from "@aws-sdk/client-s3";
import { execa } from "execa";
import { objectStorage } from "../../../operations/storage.ts";
import { waitFor } from "../../../operations/wait.ts";
import { resume } from "../../../operations/migration/resume.ts";
import { application, scriptIn, type Application, type TestMigration } from "../database/support/application.ts";
import { migrate, migrationSpec, outcomes, rejected, verified } from "../database/support/migration.ts";
import { environment, type Environment } from "../database/support/platform.ts";
import type { ReleaseRecord } from "../../../operations/release/spec.ts";

const create: TestMigration = {
  name: "Create1760000000000",
  up: [
    "CREATE TABLE users (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email varchar(255) NOT NULL)",
    "INSERT INTO users (email) SELECT 'user' || n FROM generate_series(1, 50) n",
  ],
};
const expand: TestMigration = {
  name: "Expand1760000001000",
  up: ["ALTER TABLE users ADD nickname text", "DELETE FROM users WHERE id > 40"],
  expects: { deletes: { users: 10 } },
};
const fail: TestMigration = { name: "Fail1760000002000", up: ["SELECT 1/0"] };
const each = 'migrationsTransactionMode: "each",';

describe("a guarded migration killed with -9", () => {
  let place: Environment;
  let first: { app: Application; record: ReleaseRecord };

  beforeEach(async () => {
    place = await environment();
    const app = await application({ migrations: [create] });
    first = { app, record: await app.record(place.context()) };
    await migrate(place, app, first.record);
    await verified(place);
  });

  const release = async (migrations: TestMigration[], options = "") => {
    const app = await application({ migrations: [create, ...migrations], options });
    return { app, record: await app.record(place.context(), { id: "release-2", maintenance: true }) };
  };
  const killed = async (app: Application, record: ReleaseRecord, killAt: string, env: Record<string, string> = {}) => {
    const result = await execa(
      process.execPath,
      [new URL("../database/support/migrate-child.ts", import.meta.url).pathname],
      {
        input: JSON.stringify({
          spec: migrationSpec(place, app, record),
          dir: app.dir,
          env: { ...place.env, ...env },
          killAt,
          record: true,
        }),
        reject: false,
        timeout: 60_000,
      },
    );
    assert.equal(result.signal, "SIGKILL", `${killAt} was not reached: ${result.stdout}${result.stderr}`);
  };
  /** What must be so once a later run is through, wherever the first was killed. */
  const settled = async (users: number, columns: string[]) => {
    if ((await outcomes(place)).includes(null)) await verified(place);
    assert.deepEqual(
      await place.sql(
        "app",
        "SELECT count(*)::int, (SELECT array_agg(attname::text ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'users'::regclass AND attnum > 0 AND NOT attisdropped) AS columns FROM users",
      ),
      [{ count: users, columns }],
    );
    await place.sql("app", "INSERT INTO users (email) VALUES ('written')");
    assert.ok(!(await outcomes(place)).includes(null), "a run is still open");
    const left = await place.sql(
      "admin",
      "SELECT application_name FROM pg_stat_activity WHERE application_name LIKE 'affexai-%' AND datname LIKE $1",
      [`${place.name}%`],
    );
    assert.deepEqual(left, []);
    assert.deepEqual(
      await place.sql("admin", "SELECT datname FROM pg_database WHERE datname LIKE $1", [`${place.name}_restore_%`]),
      [],
    );
    const { Uploads = [] } = await objectStorage(place.env).send(
      new ListMultipartUploadsCommand({ Bucket: place.bucket }),
    );
    assert.deepEqual(Uploads, []);
  };

  for (const step of [
    "preflight",
    "freeze the writes",
    "backup",
    "dump",
    "prove that backup",
    "proof: statistics",
    "migrate: ",
    "Expand1760000001000 runs",
    "Expand1760000001000 ran",
    "verify",
    "the writes of",
    "let ",
  ]) {
    it(`at "${step.trim()}" is finished by the next run`, async () => {
      const { app, record } = await release([expand]);
      await killed(app, record, step);
      const result = await migrate(place, app, record);
      assert.ok(["migrated", "up-to-date"].includes(result.outcome));
      await settled(40, ["id", "email", "nickname"]);
    });
  }

  /** As time does: the rollout that the freeze waits for is not heard of any more. */
  const leaseEnds = () =>
    place.sql(
      "admin",
      `DO $$ BEGIN IF to_regclass('public.freeze') IS NOT NULL THEN
         UPDATE public.freeze SET lease_until = now() - interval '1 second'; END IF; END $$`,
      [],
      `${place.name}_ops`,
    );
  const history = async () =>
    (await place.sql<{ name: string }>("admin", "SELECT name FROM migrations")).map(({ name }) => name);
  const look = (...apps: Application[]) =>
    resume(
      { ledger: { bucket: place.bucket, environment: "test" }, app: place.roles.app },
      place.context(),
      scriptIn(...apps),
    );

  // The migration lives on without its run until it is removed: it may be through by then.
  for (const [step, outcome, migrated] of [
    ["freeze the writes", "nothing-to-undo", "no"],
    ["Expand1760000001000 runs", "nothing-to-undo", "perhaps"],
    ["verify", "nothing-to-undo", "yes"],
    ["the writes of", "nothing-to-undo", "yes"],
    ["let ", "done", "yes"],
  ] as const) {
    it(`at "${step.trim()}" is found by the agent, which leaves nobody frozen`, async () => {
      const { app, record } = await release([expand]);
      await killed(app, record, step);
      await leaseEnds();
      const result = await look(app);
      assert.deepEqual(
        [result.state, result.settled.map((one) => [one.release, one.outcome]), result.page.length > 0],
        ["resumed", [["release-2", outcome]], true],
      );
      assert.deepEqual(await look(app), { state: "idle", settled: [], unfrozen: false, page: [] });
      const through = migrated === "yes" || (migrated === "perhaps" && (await history()).includes(expand.name));
      await settled(through ? 40 : 50, through ? ["id", "email", "nickname"] : ["id", "email"]);
    });
  }

  for (const step of ["Expand1760000001000 runs", "the writes of"]) {
    it(`at "${step}" in a container is found by an agent that has no Docker, and leaves nobody frozen`, async () => {
      const { app, record } = await release([expand]);
      const inContainer: Application = { ...app, source: { ...app.source, imageRuntime: "docker" } };
      await killed(inContainer, record, step);
      await leaseEnds();
      const { PATH } = process.env;
      process.env.PATH = app.dir;
      const result = await look(inContainer).finally(() => (process.env.PATH = PATH));
      assert.deepEqual([result.state, result.unfrozen], ["resumed", true]);
      // A migration that was through has left no container behind.
      const noted = place.notes.filter((note) => note.includes("cannot be ended from here (docker: was not found.)"));
      assert.equal(noted.length, step === "the writes of" ? 0 : 1);
      const through = (await history()).includes(expand.name);
      await settled(through ? 40 : 50, through ? ["id", "email", "nickname"] : ["id", "email"]);
    });
  }

  it("leaves a release alone that is frozen within its lease", async () => {
    const { app, record } = await release([expand]);
    await migrate(place, app, record);
    assert.deepEqual(await look(app), { state: "busy", settled: [], unfrozen: false, page: [] });
    await assert.rejects(place.sql("app", "INSERT INTO users (email) VALUES ('written')"), { code: "25006" });
    await settled(40, ["id", "email", "nickname"]);
  });

  for (const step of [
    "Fail1760000002000 runs",
    "restore ",
    "statistics",
    "compare with the manifest",
    "swap ",
    "swapped",
  ]) {
    it(`on the way back, at "${step.trim()}", is taken all the way back by the next run`, async () => {
      const { app, record } = await release([expand, fail], each);
      await killed(app, record, step === "swapped" ? `${place.name} is the restored one` : step);
      await rejected(migrate(place, app, record), "failed", /division by zero/, /restored from backup/);
      await settled(50, ["id", "email"]);
    });
  }

  for (const step of ["revert ", "compare with the state before"]) {
    it(`on the way back, at "${step.trim()}", is found by the agent, which leaves the schema before it`, async () => {
      const column = {
        name: "Column1760000001000",
        up: ["ALTER TABLE users ADD nickname text"],
        down: ["ALTER TABLE users DROP nickname"],
      };
      const { app, record } = await release([column, fail], each);
      const proven = { ...record, migrations: record.migrations.map((one) => ({ ...one, downProven: true })) };
      await killed(app, proven, step);
      await leaseEnds();
      assert.deepEqual((await look(app)).unfrozen, true);
      const through = (await history()).includes(column.name);
      assert.equal(through, step === "revert ", "a column more is nothing to undo; one that is gone is gone");
      await settled(50, through ? ["id", "email", "nickname"] : ["id", "email"]);
    });
  }

  it("between closing the database and renaming it is taken all the way back by the next run", async () => {
    const { app, record } = await release([expand, fail], each);
    await killed(app, record, "swap ");
    await place.sql("admin", `ALTER DATABASE ${place.name} WITH ALLOW_CONNECTIONS false`, [], "postgres");
    await rejected(migrate(place, app, record), "failed", /restored from backup/);
    await settled(50, ["id", "email"]);
  });

  it("leaves a dump without a manifest, which is no backup", async () => {
    const { app, record } = await release([expand]);
    await killed(app, record, "dump");
    const { Contents = [] } = await objectStorage(place.env).send(
      new ListObjectsV2Command({ Bucket: place.bucket, Prefix: "backups/" }),
    );
    assert.equal(Contents.filter(({ Key = "" }) => Key.endsWith("manifest.json")).length, 1);
  });

  it("while its migration waits for a lock leaves a process and a session, which the next run removes first", async () => {
    const { app, record } = await release([expand]);
    const blocker = await place.connect("admin");
    await blocker.query("BEGIN");
    await blocker.query("LOCK TABLE users IN ACCESS SHARE MODE");
    const child = execa(process.execPath, [new URL("../database/support/migrate-child.ts", import.meta.url).pathname], {
      input: JSON.stringify({
        spec: {
          ...migrationSpec(place, app, {
            ...record,
            maintenance: false,
            migrations: record.migrations.map((one) => ({ ...one, class: "SAFE" as const })),
          }),
          lockTimeoutSeconds: 30,
        },
        dir: app.dir,
        env: place.env,
        killAt: "never",
      }),
      reject: false,
    });
    const waiting =
      "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'affexai-%' AND datname = $1 AND wait_event_type = 'Lock'";
    await waitFor(
      {
        what: "the migration at the lock",
        timeoutMs: 60_000,
        intervalMs: 50,
        next: "",
        look: async () =>
          (await place.sql("admin", waiting, [place.name])).length > 0
            ? { done: true, value: undefined }
            : { done: false, seen: "nobody" },
      },
      place.context(),
    );
    child.kill("SIGKILL");
    await child;
    assert.equal((await place.sql("admin", waiting, [place.name])).length, 1, "the migration lives on without its run");
    await blocker.query("COMMIT");
    await blocker.end();
    const again = {
      ...record,
      maintenance: false,
      migrations: record.migrations.map((one) => ({ ...one, class: "SAFE" as const })),
    };
    const result = await migrate(place, app, again);
    assert.ok(["migrated", "up-to-date"].includes(result.outcome));
    await settled(40, ["id", "email", "nickname"]);
  });

  it("half-way through release 2 lets release 1 come back to a database that it can live with", async () => {
    const { app, record } = await release([
      { name: "Expand1760000001000", up: ["ALTER TABLE users ADD nickname text"] },
    ]);
    await killed(app, record, "verify");
    const result = await migrate(place, first.app, first.record);
    assert.equal(result.outcome, "ahead");
    await settled(50, ["id", "email", "nickname"]);
  });
});
