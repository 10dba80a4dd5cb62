import assert from "node:assert/strict";
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createBackup } from "../../../operations/backup/create.ts";
import { dropExpiredKept, dropKept, listKept } from "../../../operations/backup/kept.ts";
import { restoreBackup } from "../../../operations/backup/restore.ts";
import { salvage } from "../../../operations/backup/salvage.ts";
import { rejected } from "../database/support/migration.ts";
import { environment, type Environment } from "../database/support/platform.ts";
import { besides, sampleSchema } from "./support/sample.ts";

describe("a database that a restore replaced", () => {
  let place: Environment;
  let folder: string;
  let kept: string;

  beforeEach(async () => {
    place = await environment();
    folder = await mkdtemp(join(tmpdir(), "affexai-salvage-"));
    await place.sql("migrator", `${sampleSchema}; CREATE TABLE log (line text, day date); CREATE TABLE same (id int)`);
    await place.sql("app", "INSERT INTO log VALUES ('one', '2026-01-01'), ('two', '2026-01-02')");
    const target = { bucket: place.bucket, environment: "test" };
    const { id } = await createBackup.run({ ...target, reason: "manual" }, place.context());
    // What users do after the backup.
    await place.sql("migrator", 'CREATE TABLE "New, since" (id int PRIMARY KEY); ALTER TABLE pages ADD note text');
    await place.sql(
      "app",
      `INSERT INTO users (email, mood, changed) SELECT 'late' || n || '@example.com', 'bad', '2026-05-01T00:00:00Z' FROM generate_series(1, 3) n;
       UPDATE users SET email = E'the "new", one\\n@example.com', changed = '2026-06-01T00:00:00Z' WHERE id = 5;
       UPDATE users SET mood = 'bad', changed = '2026-02-01T00:00:00Z' WHERE id = 6;
       DELETE FROM pages WHERE id = 1000;
       INSERT INTO log VALUES ('two', '2026-01-02'), ('three', '2026-07-01');
       INSERT INTO visits VALUES (7, '2026-12-01');
       INSERT INTO "New, since" VALUES (1)`,
    );
    const restored = await restoreBackup.run({ ...target, id, dryRun: false, app: place.roles.app }, place.context());
    kept = restored.kept ?? "";
  });
  afterEach(() => rm(folder, { recursive: true }));

  const run = (changes: object = {}) =>
    salvage.run({ from: kept, out: join(folder, "out"), ...changes }, place.context());
  const found = async (changes: object = {}) => {
    const { tables } = await run(changes);
    const told = tables.map(({ table, missing, changed, onlyLive, comparedBy }) => [
      ...[table, missing, changed, onlyLive],
      comparedBy,
    ]);
    return told.filter(([, missing, changed, onlyLive]) => [missing, changed, onlyLive].some((rows) => rows !== 0));
  };

  it("gives up the rows that the live one lacks, as CSV that COPY reads", async () => {
    assert.deepEqual(await found(), [
      ['public."New, since"', 1, 0, 0, "primary key"],
      ["public.log", 2, 0, 0, "content"],
      ["public.pages", 0, 0, 1, "primary key"],
      ["public.users", 3, 2, 0, "primary key"],
      ["public.visits_2026", 1, 0, 0, "content"],
    ]);
    const names = (await readdir(join(folder, "out"))).sort();
    assert.deepEqual(names, [
      "public.%22New%2C%20since%22.missing.csv",
      "public.log.missing.csv",
      "public.users.changed.csv",
      "public.users.missing.csv",
      "public.visits_2026.missing.csv",
      "summary.json",
    ]);
    const read = (name: string) => readFile(join(folder, "out", name), "utf8");
    assert.equal(
      await read("public.users.changed.csv"),
      'id,email,mood,changed\n5,"the ""new"", one\n@example.com",good,2026-06-01 00:00:00+00\n6,user6@example.com,bad,2026-02-01 00:00:00+00\n',
    );
    assert.deepEqual((await read("public.log.missing.csv")).split("\n").sort(), [
      "",
      "line,day",
      "three,2026-07-01",
      "two,2026-01-02",
    ]);
    const summary: unknown = JSON.parse(await read("summary.json"));
    assert.deepEqual(
      (summary as { tables: { table: string }[] }).tables.find(({ table }) => table === "public.pages"),
      {
        ...{ table: "public.pages", comparedBy: "primary key", missing: 0, changed: 0, onlyLive: 1 },
        ...{ onlyKeptColumns: ["note"], sinceColumns: [] },
      },
    );
    // Closed again, and as it was.
    await assert.rejects(place.connect("admin", kept), { code: "55000" });
  });

  it("gives up only rows from a time on, where a table says when", async () => {
    assert.deepEqual(await found({ since: "2026-04-01T00:00:00Z" }), [
      ['public."New, since"', 1, 0, 0, "primary key"],
      ["public.log", 1, 0, 0, "content"],
      ["public.pages", 0, 0, 1, "primary key"],
      ["public.users", 3, 1, 0, "primary key"],
      ["public.visits_2026", 1, 0, 0, "content"],
    ]);
    await rejected(run(), "refused", /is not empty/);
    await rejected(run({ from: place.name }), "refused", /is the one that serves/, new RegExp(`Name one of: ${kept}`));
    await rejected(run({ from: "postgres" }), "refused", /is not one that a swap of .* replaced/);
  });

  it("is listed with its age, and dropped when it is old enough, never while it is read or its run is open", async () => {
    const list = async (days: number) => (await listKept.run({ days }, place.context())).kept;
    const [one] = await list(7);
    assert.deepEqual([one?.name, one?.expired, one?.closed], [kept, false, true]);
    assert.ok(Math.abs(Date.parse(one?.keptAt ?? "") - Date.now()) < 120_000);
    const expire = (days: number) => dropExpiredKept.run({ days }, place.context());
    assert.deepEqual(await expire(7), { dropped: [] });
    await rejected(dropKept.run({ name: place.name }, place.context()), "refused", /is the one that serves/);

    const operations = (statement: string) => place.sql("admin", statement, [], `${place.name}_ops`);
    await operations("UPDATE public.step SET finished = finished - interval '8 days'");
    await operations("UPDATE public.run SET finished = NULL");
    assert.deepEqual(await expire(7), { dropped: [] });
    await rejected(dropKept.run({ name: kept }, place.context()), "refused", /is not closed in the journal/);
    await operations("UPDATE public.run SET finished = now()");

    await operations(`ALTER DATABASE ${kept} ALLOW_CONNECTIONS true`);
    const reading = await place.connect("migrator", kept);
    assert.deepEqual(await expire(7), { dropped: [] });
    await rejected(dropKept.run({ name: kept }, place.context()), "refused", /is being read by somebody/);
    await reading.end();
    assert.deepEqual(await expire(7), { dropped: [kept] });
    assert.deepEqual(await besides(place), []);
    assert.deepEqual(await list(7), []);
    await place.sql("app", "SELECT FROM users LIMIT 1");
  });
});
