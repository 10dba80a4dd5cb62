import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { OperationError } from "../../../operations/error.ts";
import { silent } from "../../../operations/progress.ts";
import { waitFor } from "../../../operations/wait.ts";
import { application, type Application, type TestMigration } from "../database/support/application.ts";
import { migrate, migrationSpec, outcomes, verified } from "../database/support/migration.ts";
import { environment, type Environment } from "../database/support/platform.ts";
import { startWriter } from "../database/support/writer.ts";

const create: TestMigration = {
  name: "Create1760000000000",
  up: ["CREATE TABLE written (number bigint PRIMARY KEY, at timestamptz NOT NULL DEFAULT now())"],
};
const expand: TestMigration = { name: "Expand1760000001000", up: ["ALTER TABLE written ADD note text"] };
const fail: TestMigration = { name: "Fail1760000002000", up: ["ALTER TABLE written ADD number bigint"] };
const each = 'migrationsTransactionMode: "each",';

describe("a guarded migration among others", () => {
  let place: Environment;

  beforeEach(async () => {
    place = await environment();
    const app = await application({ migrations: [create] });
    await migrate(place, app, await app.record(place.context()));
    await verified(place);
  });

  const release = async (migrations: TestMigration[], maintenance: boolean) => {
    const app = await application({ migrations: [create, ...migrations], options: each });
    return { app, record: await app.record(place.context(), { id: "release-2", maintenance }) };
  };
  const columns = async () =>
    (
      await place.sql<{ name: string }>(
        "admin",
        "SELECT attname::text AS name FROM pg_attribute WHERE attrelid = 'written'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
      )
    ).map(({ name }) => name);

  it("started twice at once by two processes runs once; the other is refused and names it", async () => {
    const { app, record } = await release([expand], false);
    const spec = migrationSpec(place, app, record);
    const runs = await Promise.all([inProcess(place, app, spec), inProcess(place, app, spec)]);
    const [refused, ...more] = runs.filter((one) => /is being changed by run [0-9a-f]{12} from 127\.0\.0\.1/.test(one));
    // The second may also have come when the first was through.
    assert.equal(more.length, 0);
    assert.equal(
      runs.filter((one) => one.startsWith("not killed")).length,
      refused === undefined ? 2 : 1,
      runs.join("\n"),
    );
    assert.deepEqual(await columns(), ["number", "at", "note"]);
    assert.deepEqual([...new Set(await outcomes(place))], ["done"]);
  });

  const ways: readonly {
    what: string;
    migrations: TestMigration[];
    maintenance: boolean;
    ends: string;
    after: string[];
  }[] = [
    {
      what: "that expands the schema while it serves",
      migrations: [expand],
      maintenance: false,
      ends: "done",
      after: ["number", "at", "note"],
    },
    { what: "in maintenance", migrations: [expand], maintenance: true, ends: "done", after: ["number", "at", "note"] },
    {
      what: "that is restored",
      migrations: [expand, fail],
      maintenance: true,
      ends: "restored",
      after: ["number", "at"],
    },
    {
      what: "that stops half-way while it serves",
      migrations: [expand, fail],
      maintenance: false,
      ends: "stopped",
      after: ["number", "at", "note"],
    },
  ];
  for (const { what, migrations, maintenance, ends, after } of ways) {
    it(`${what} loses no row that the application was told is written`, async () => {
      const { app, record } = await release(migrations, maintenance);
      const writer = startWriter(place);
      try {
        await writer.goesOn(50);
        const ended = await migrate(place, app, record).catch((error: unknown) => {
          assert.ok(error instanceof OperationError, String(error));
        });
        if (ended !== undefined) await verified(place);
        await writer.goesOn(50);
      } finally {
        await writer.stop();
      }
      assert.equal((await outcomes(place)).at(-1), ends);
      assert.deepEqual(await columns(), after);
      const rows = await place.sql<{ number: string }>("admin", "SELECT number FROM written");
      const there = new Set(rows.map(({ number }) => Number(number)));
      assert.deepEqual(
        writer.acknowledged.filter((number) => !there.has(number)),
        [],
      );
    });
  }

  it("waits for a session that does not die, names it, and goes on when it is gone", async () => {
    const stubborn = await place.connect("app");
    await stubborn.query("SET application_name = 'a-stubborn-session'");
    const { rows } = await stubborn.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
    const pid = rows[0]?.pid ?? 0;
    // A stopped process hears no request to end.
    process.kill(pid, "SIGSTOP");
    const { app, record } = await release([expand], true);
    const running = migrate(place, app, record);
    await waitFor(
      {
        what: "the name of the session that does not die",
        timeoutMs: 30_000,
        intervalMs: 10,
        next: "",
        look: () =>
          Promise.resolve(
            place.notes.some((line) => line.includes(`a-stubborn-session, pid ${pid}`))
              ? { done: true, value: undefined }
              : { done: false, seen: place.notes.at(-1) ?? "nothing" },
          ),
      },
      place.context({ progress: silent }),
    );
    process.kill(pid, "SIGCONT");
    assert.equal((await running).outcome, "migrated");
    await assert.rejects(stubborn.query("SELECT 1"));
  });
});

/** What a guarded migration in a process of its own said at its end. */
async function inProcess(place: Environment, app: Application, spec: object): Promise<string> {
  const child = spawn(process.execPath, [new URL("../database/support/migrate-child.ts", import.meta.url).pathname], {
    stdio: ["pipe", "pipe", "pipe"],
  });
  const ended = once(child, "exit");
  child.stdin.end(JSON.stringify({ spec, dir: app.dir, env: place.env, killAt: "never" }));
  const [out, error] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return out + error;
}
