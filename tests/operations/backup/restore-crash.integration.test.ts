import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { createBackup } from "../../../operations/backup/create.ts";
import { restoreBackup } from "../../../operations/backup/restore.ts";
import { databaseAccess } from "../../../operations/database/access.ts";
import { withConnection } from "../../../operations/database/connection.ts";
import { readContents } from "../../../operations/database/content.ts";
import { readFingerprint } from "../../../operations/database/fingerprint.ts";
import { keptName, restoredName } from "../../../operations/backup/restored-names.ts";
import { swapDatabases } from "../../../operations/backup/swap.ts";
import type { Progress } from "../../../operations/progress.ts";
import { until } from "../../sandbox/coolify/fixture.ts";
import { outcomes } from "../database/support/migration.ts";
import { environment, type Environment } from "../database/support/platform.ts";
import { withPrograms } from "../database/support/programs.ts";
import { besides, sampleSchema } from "./support/sample.ts";

describe("a restore", () => {
  let place: Environment;
  let backup: string;
  let backedUp: object;

  before(async () => {
    place = await environment();
    await place.sql("migrator", sampleSchema);
    backup = (await createBackup.run({ bucket: place.bucket, environment: "test", reason: "manual" }, place.context()))
      .id;
    backedUp = await content();
  });
  beforeEach(() => place.sql("app", "INSERT INTO users (email) VALUES ('written@example.com') ON CONFLICT DO NOTHING"));
  afterEach(async () => {
    for (const database of await besides(place)) await place.sql("admin", `DROP DATABASE ${database}`, [], "postgres");
  });

  /** Schema and rows of the database that serves. */
  const content = () =>
    withConnection(databaseAccess(place.env, "BACKUP_DATABASE_URL"), { applicationName: "test" }, async (client) => ({
      schema: (await readFingerprint(client, "migrations")).sha256,
      rows: await readContents(client),
    }));
  const spec = (changes: object = {}) => ({
    ...{ bucket: place.bucket, environment: "test", id: backup, dryRun: false, app: place.roles.app },
    ...changes,
  });
  const killed = async (killAt: string, env: Record<string, string> = {}, changes: object = {}) => {
    const result = await execa(process.execPath, [new URL("support/verb-child.ts", import.meta.url).pathname], {
      input: JSON.stringify({ spec: spec(changes), env: { ...place.env, ...env }, killAt }),
      reject: false,
      timeout: 60_000,
    });
    assert.equal(result.signal, "SIGKILL", `${killAt} was not reached: ${result.stdout}${result.stderr}`);
  };
  /** What must be so once a later run is through. */
  const settled = async (kept: number) => {
    assert.deepEqual(await content(), backedUp);
    await place.sql("app", "UPDATE users SET mood = 'good' WHERE id = 1");
    assert.ok(!(await outcomes(place)).includes(null), "a run is still open");
    const left = await besides(place);
    assert.deepEqual(
      [left.length, left.every((one) => one.startsWith(`${place.name}_old_`))],
      [kept, true],
      left.join(),
    );
    assert.deepEqual(await sessions(), []);
  };
  const sessions = () =>
    place.sql("admin", "SELECT datname, application_name FROM pg_stat_activity WHERE application_name ~ $1", [
      "^affexai-[0-9a-f]{12}$|^pg_restore",
    ]);

  describe("killed with -9", () => {
    for (const { at, kept } of [
      { at: "restore 2", kept: 1 },
      { at: "statistics", kept: 1 },
      { at: "compare with the manifest", kept: 1 },
      { at: "swap ", kept: 1 },
      { at: "close ", kept: 1 },
      { at: "end the sessions in", kept: 1 },
      { at: "rename both", kept: 1 },
      // Done, but for the journal.
      { at: "the restored one serves", kept: 2 },
    ]) {
      it(`at '${at}' is done by the next run`, async () => {
        await killed(at === "the restored one serves" ? `${place.name} is the restored one` : at);
        await restoreBackup.run(spec(), place.context());
        await settled(kept);
      });
    }

    for (const [how, local] of [
      ["a stream", false],
      ["a file, which the orphaned pg_restore goes on reading", true],
    ] as const) {
      it(`while pg_restore reads ${how}`, async () => {
        const folder = local ? await mkdtemp(join(tmpdir(), "affexai-local-")) : undefined;
        const program = `case "$1" in --version) exec pg_restore "$@";; esac\nkill -9 $PPID\nexec pg_restore "$@"`;
        try {
          await withPrograms({ pg_restore: program }, (PATH) => killed("never", { PATH }, { local: folder }));
          await restoreBackup.run(spec({ local: folder }), place.context());
          await settled(1);
        } finally {
          if (folder !== undefined) await rm(folder, { recursive: true });
        }
      });
    }
  });

  /** Runs SQL as the administrator the first time that a step begins like this. */
  const during = (begins: string, work: () => Promise<unknown>) => {
    const { progress } = place.context();
    let met = false;
    const step: typeof progress.step = async (title, inner) => {
      if (!met && title.startsWith(begins)) {
        met = true;
        await work();
      }
      return inner({ ...progress, step });
    };
    return place.context({ progress: { ...progress, step } });
  };
  const signalSessions = (condition: string) =>
    place.sql(
      "admin",
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name ~ '^affexai-[0-9a-f]{12}$' AND ${condition}`,
      [],
      "postgres",
    );
  /** Holds a table of the restored database, so that whoever reads it is seen to wait. */
  const lockRestoredUsers = async () => {
    const [found] = await place.sql<{ datname: string }>(
      "admin",
      "SELECT datname FROM pg_database WHERE starts_with(datname, $1)",
      [`${place.name}_restore_`],
      "postgres",
    );
    assert.ok(found);
    const client = await place.connect("admin", found.datname);
    await client.query("BEGIN; LOCK TABLE users IN ACCESS EXCLUSIVE MODE");
    return { database: found.datname, release: () => client.end() };
  };
  /** The live database with the row that was written since the backup, and nothing beside it. */
  const untouched = async () => {
    assert.deepEqual(await place.sql("app", "SELECT count(*)::int FROM users"), [{ count: 501 }]);
    assert.deepEqual(await besides(place), []);
  };

  it("whose session on the restored database is ended leaves the live one alone, and the next run is through", async () => {
    let ended: Promise<void> | undefined;
    const context = during("compare with", async () => {
      const locked = await lockRestoredUsers();
      ended = until("a session that waits for the lock", async () => {
        const waiting = `wait_event_type = 'Lock' AND datname = '${locked.database}'`;
        return (await signalSessions(waiting)).length > 0;
      }).then(() => locked.release());
    });
    await assert.rejects(restoreBackup.run(spec(), context), /the connection to .* broke/);
    await ended;
    await untouched();
    await restoreBackup.run(spec(), place.context());
    await settled(1);
  });

  for (const step of ["close ", "end the sessions in", "rename both"]) {
    it(`whose session is ended at '${step}' opens the live database again`, async () => {
      const context = during(step, () => signalSessions("datname LIKE '%_ops'"));
      await assert.rejects(restoreBackup.run(spec(), context), /the connection to .* broke/);
      await untouched();
      await restoreBackup.run(spec(), place.context());
      await settled(1);
    });
  }

  it("whose server dies at the swap opens the live database again when the server is back", async () => {
    const context = during("rename both", async () => {
      const [backend] = await place.sql<{ pid: number }>(
        "admin",
        "SELECT pid FROM pg_stat_activity WHERE application_name ~ '^affexai-[0-9a-f]{12}$' LIMIT 1",
        [],
        "postgres",
      );
      assert.ok(backend);
      // One backend killed with -9 makes PostgreSQL end all and recover.
      process.kill(backend.pid, "SIGKILL");
    });
    await assert.rejects(restoreBackup.run(spec(), context), /the connection to .* broke/);
    await untouched();
    await restoreBackup.run(spec(), place.context());
    await settled(1);
  });

  it("whose storage cuts the connection half-way leaves the live database alone", async () => {
    const faults = `${place.env.AWS_ENDPOINT_URL}/_sandbox/faults`;
    const action = { kind: "drop", direction: "response", afterBytes: 2000 };
    const fault = { operation: "GetObject", key: "*dump.zst", times: null, action };
    for (const local of [undefined, await mkdtemp(join(tmpdir(), "affexai-local-"))]) {
      await fetch(faults, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ faults: [fault] }),
      });
      await assert.rejects(restoreBackup.run(spec({ local }), place.context()), /dump|pg_restore/);
      await fetch(faults, { method: "DELETE" });
      await untouched();
      if (local === undefined) continue;
      assert.deepEqual(await readdir(local), []);
      await rm(local, { recursive: true });
    }
  });

  it("waits at the swap for a session that is slow to end", async () => {
    const session = await place.connect("app");
    const { rows } = await session.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
    const pid = rows[0]?.pid ?? 0;
    process.kill(pid, "SIGSTOP");
    const seen: string[] = [];
    const note = (text: string) => {
      seen.push(text);
      // Seen once; now it may die of what it was sent.
      if (text.includes(`pid ${pid}`)) process.kill(pid, "SIGCONT");
    };
    const step: Progress["step"] = (_, work) => work({ note, step });
    await restoreBackup.run(spec(), place.context({ progress: { note, step } }));
    assert.ok(
      seen.some((text) => text.includes(`pid ${pid}`)),
      seen.join("\n"),
    );
    await session.end().catch(() => undefined);
    await settled(1);
  });

  it("gives up at the swap on a session that never ends, and the live database is open again", async () => {
    const access = databaseAccess(place.env, "DATABASE_URL");
    const [restored, kept] = [restoredName(place.name, "0123456789ab"), keptName(place.name, "0123456789ab")];
    await place.sql("migrator", `CREATE DATABASE ${restored}`, [], `${place.name}_ops`);
    const client = await place.connect("migrator", `${place.name}_ops`);
    const session = await place.connect("app");
    const { rows } = await session.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
    const pid = rows[0]?.pid ?? 0;
    process.kill(pid, "SIGSTOP");
    try {
      await assert.rejects(
        swapDatabases(client, { access, restored, kept, closedAtMostMs: 500 }, place.context()),
        new RegExp(`not seen within 0.5 s; last seen: .*pid ${pid}`),
      );
    } finally {
      process.kill(pid, "SIGCONT");
    }
    assert.deepEqual(await place.sql("app", "SELECT count(*)::int FROM users"), [{ count: 501 }]);
    assert.deepEqual(await besides(place), [restored]);
    await Promise.all([client.end(), session.end().catch(() => undefined)]);
  });
});
