import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ListMultipartUploadsCommand, ListObjectsV2Command } from "@aws-sdk/client-s3";
import { anonymise } from "../../../operations/anonymise/anonymise.ts";
import { AnonymiseSpec } from "../../../operations/anonymise/spec.ts";
import { createBackup } from "../../../operations/backup/create.ts";
import { drillBackup } from "../../../operations/backup/drill.ts";
import { dropKept, listKept } from "../../../operations/backup/kept.ts";
import { listBackups } from "../../../operations/backup/list.ts";
import { pruneAsOf } from "../../../operations/backup/prune.ts";
import { restoreBackup } from "../../../operations/backup/restore.ts";
import { salvage } from "../../../operations/backup/salvage.ts";
import { verifyBackup } from "../../../operations/backup/verify.ts";
import { freezeOn, freezeStatus } from "../../../operations/database/freeze-verbs.ts";
import { throughTunnel } from "../../../operations/database/reach.ts";
import { applyRoles } from "../../../operations/database/roles.ts";
import { DatabaseVerifySpec } from "../../../operations/database/spec.ts";
import { verifyDatabase } from "../../../operations/database/verify.ts";
import { readTarget } from "../../../operations/migration/plan-release.ts";
import { resumeDeadRun } from "../../../operations/migration/resume.ts";
import { objectStorage } from "../../../operations/storage.ts";
import { waitFor } from "../../../operations/wait.ts";
import { besides, sampleSchema } from "../backup/support/sample.ts";
import { record } from "../../release-record.ts";
import { application, type TestMigration } from "./support/application.ts";
import { createBackupBucket } from "./support/bucket.ts";
import { migrate, outcomes } from "./support/migration.ts";
import { environment, type Environment } from "./support/platform.ts";
import { privateDatabase, whoAmI, type PrivateDatabase } from "./support/private-database.ts";
import type { SshServer } from "./support/ssh-server.ts";

const create: TestMigration = {
  name: "Create1760000000000",
  up: [
    "CREATE TABLE pages (id int PRIMARY KEY, body text NOT NULL)",
    "INSERT INTO pages SELECT n, 'page ' || n FROM generate_series(1, 100) n",
  ],
};
const dayMs = 86_400_000;
const cutOff =
  /The tunnel to it failed at .*: ssh .*@127\.0\.0\.1:\d+: the ssh (server closed the connection|connection broke)/;

describe("the verbs of a private database, reached by ssh", () => {
  let database: PrivateDatabase;
  let ssh: SshServer;
  let place: Environment;

  before(async function () {
    const started = await privateDatabase();
    if (started === null) return this.skip();
    database = started;
    ({ ssh, place } = database);
  });

  after(() => ssh?.close());

  it("takes roles, a guarded migration, a backup, its verification, a restore with its swap, the list and the pruning", async () => {
    await throughTunnel(database.context(), async (context) => {
      const { name, roles, bucket } = place;
      await applyRoles.run({ owner: "test", database: name, ...roles }, context);
      const app = await application({ migrations: [create] });
      const record = await app.record(context);
      const { outcome } = await migrate({ ...place, context: () => context }, app, record);
      assert.equal(outcome, "migrated");
      const target = { bucket, environment: "test" };
      const { id, rows } = await createBackup.run({ ...target, reason: "manual" }, context);
      assert.equal(rows, 101);
      assert.equal((await verifyBackup.run({ ...target, id }, context)).verified, true);
      await place.sql("migrator", "TRUNCATE pages");
      const restore = { ...target, id, app: roles.app };
      assert.equal((await restoreBackup.run({ ...restore, dryRun: true }, context)).swapped, false);
      assert.deepEqual(await place.sql("app", "SELECT FROM pages"), []);
      assert.equal((await restoreBackup.run({ ...restore, dryRun: false }, context)).swapped, true);
      assert.deepEqual(await place.sql("app", "SELECT count(*)::int AS rows FROM pages"), [{ rows: 100 }]);
      const { backups } = await listBackups.run(target, context);
      assert.deepEqual(
        backups.map(({ reason }) => reason),
        ["manual", "pre-migration"],
      );
      const keep = { "pre-migration": 7, hourly: 2, daily: 14, weekly: 56, monthly: 366, manual: 30 };
      const inTwoMonths = new Date(Date.now() + 60 * dayMs);
      const pruned = await pruneAsOf(inTwoMonths, { ...target, keep, minimum: 1, dryRun: true }, context);
      // The newest one, and the one behind the release that is being deployed.
      assert.deepEqual([pruned.deleted, pruned.kept], [[], 2]);
    });
    await database.noSessions();
  });

  it("takes a plan, a verification, a freeze, a resume, a drill, an anonymised copy, and the salvage of what was replaced", async () => {
    const other = await environment();
    await other.sql("migrator", sampleSchema);
    const { app } = other.roles;
    const target = { bucket: other.bucket, environment: "test" };
    const staging = `staging-${other.name}`;
    await createBackupBucket(other.env, staging);
    const out = await mkdtemp(join(tmpdir(), "affexai-reach-"));
    await throughTunnel(database.context({ ANONYMISE_KEY: "k".repeat(32) }, other), async (context) => {
      const plan = await readTarget({ targets: target }, "migrations", context);
      assert.deepEqual([plan.history.length, plan.holdsData, plan.running], [1, true, null]);

      const { id } = await createBackup.run({ ...target, reason: "manual" }, context);
      const spec = { ledger: target, record: { ...record, contract: {} }, protectedTables: [], amcheck: true };
      const verified = await verifyDatabase.run(DatabaseVerifySpec.parse(spec), context);
      assert.deepEqual([verified.backup, verified.tables.length], [id, 4]);
      assert.deepEqual(
        verified.findings.filter(({ check }) => check === "pages"),
        [],
      );

      assert.equal((await freezeOn.run({ app, minutes: 0.0001 }, context)).frozen, true);
      const resumed = await resumeDeadRun.run({ ledger: target, app }, context);
      assert.deepEqual([resumed.state, resumed.unfrozen], ["resumed", true]);
      assert.equal((await freezeStatus.run({ app }, context)).frozen, false);

      assert.deepEqual([(await drillBackup.run(target, context)).id, await besides(other)], [id, []]);

      const rules = {
        version: 1,
        tables: Object.fromEntries(["users", "pages", "visits"].map((one) => [one, "truncate"])),
      };
      const to = { bucket: staging, environment: "staging" };
      const copy = await anonymise.run(AnonymiseSpec.parse({ from: target, to, rules }), context);
      assert.deepEqual([copy.from, copy.rows], [id, 1]);

      await other.sql("app", "INSERT INTO users (email) VALUES ('late@example.com')");
      const { kept } = await restoreBackup.run({ ...target, id, dryRun: false, app }, context);
      assert.ok(kept !== null);
      const { tables } = await salvage.run({ from: kept, out: join(out, "csv") }, context);
      assert.equal(tables.find(({ table }) => table === "public.users")?.missing, 1);
      assert.deepEqual(
        (await listKept.run({ days: 7 }, context)).kept.map(({ name }) => name),
        [kept],
      );
      assert.deepEqual((await dropKept.run({ name: kept }, context)).dropped, [kept]);
    });
    await rm(out, { recursive: true });
    await database.noSessions();
  });

  /** Cuts the tunnel, on the server's side, in the middle of a statement. */
  const cutDuring = async (of: Environment, statement: string) => {
    const observer = await of.connect("admin");
    const open = await waitFor(
      {
        what: `${statement} runs`,
        timeoutMs: 20_000,
        intervalMs: 1,
        next: "Make it take longer.",
        async look() {
          const { rows } = await observer.query(
            "SELECT FROM pg_stat_activity WHERE datname = $1 AND state = 'active' AND starts_with(query, $2)",
            [of.name, statement],
          );
          return rows.length > 0 ? { done: true, value: await ssh.killSessions() } : { done: false, seen: "not yet" };
        },
      },
      of.context(),
    );
    await observer.end();
    assert.ok(open > 0);
  };

  it("makes no backup when the tunnel is cut in the middle of the dump, says why, and is reached again", async () => {
    const other = await environment();
    await other.sql(
      "migrator",
      `CREATE TABLE heavy (id int, body text);
       ALTER TABLE heavy ALTER body SET STORAGE EXTERNAL;
       INSERT INTO heavy SELECT n, repeat(md5(n::text), 4000) FROM generate_series(1, 600) n`,
    );
    const target = { bucket: other.bucket, environment: "test" };
    const context = other.context({ env: { ...other.env, ...ssh.env } });
    await assert.rejects(
      throughTunnel(context, async (reached) => {
        const dump = createBackup.run({ ...target, reason: "manual" }, reached);
        await Promise.all([cutDuring(other, "COPY public.heavy"), assert.rejects(dump)]);
        assert.equal(await whoAmI(reached), other.roles.migrator);
        await dump;
      }),
      cutOff,
    );
    const storage = objectStorage(other.env);
    const { KeyCount } = await storage.send(new ListObjectsV2Command({ Bucket: other.bucket }));
    const { Uploads = [] } = await storage.send(new ListMultipartUploadsCommand({ Bucket: other.bucket }));
    assert.deepEqual({ KeyCount, open: Uploads.length }, { KeyCount: 0, open: 0 });
  });

  it("leaves the database as it was when the tunnel is cut in the middle of a migration, and the next run finishes it", async () => {
    const other = await environment();
    const slow = { ...create, up: [...create.up, "SELECT pg_advisory_xact_lock(42)"] };
    const app = await application({ migrations: [slow] });
    const context = database.context({}, other);
    const record = await app.record(context);
    const run = () => throughTunnel(context, (reached) => migrate({ ...other, context: () => reached }, app, record));
    const holder = await other.connect("admin");
    await holder.query("SELECT pg_advisory_lock(42)");
    await Promise.all([cutDuring(other, "SELECT pg_advisory_xact_lock"), assert.rejects(run(), cutOff)]);
    assert.deepEqual(await other.sql("migrator", "SELECT to_regclass('pages')"), [{ to_regclass: null }]);
    await holder.end();
    assert.equal((await run()).outcome, "migrated");
    assert.deepEqual(await other.sql("app", "SELECT count(*)::int AS rows FROM pages"), [{ rows: 100 }]);
    assert.deepEqual(await outcomes(other), ["abandoned", "done"]);
    await database.noSessions();
  });
});
