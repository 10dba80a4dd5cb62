import assert from "node:assert/strict";
import { describeImage } from "../../../../operations/migration/image-runner.ts";
import { judgeMigrations } from "../../../../operations/migration/judge-migrations.ts";
import { rehearse } from "../../../../operations/migration/rehearsal/rehearse.ts";
import type { RestoredFrom } from "../../../../operations/migration/rehearsal/scratch-server.ts";
import type { MigrationRecord } from "../../../../operations/release/spec.ts";
import { application, type TestApplication, type TestMigration } from "../../database/support/application.ts";
import { environment, type Environment } from "../../database/support/platform.ts";
import { rehearsalDatabases, rehearsalServer } from "./rehearsal-server.ts";

/** Tables with rows, as an older release has made them. */
const first: TestMigration = {
  name: "First1760000000000",
  up: [
    "CREATE TABLE users (id int PRIMARY KEY, email varchar(300) NOT NULL, note text, balance numeric(12,2))",
    "CREATE INDEX users_note ON users (note)",
    "INSERT INTO users SELECT n, 'user' || n, 'note ' || n, n FROM generate_series(1, 50) n",
    "CREATE TYPE mood AS ENUM ('good')",
  ],
  down: ["DROP TABLE users", "DROP TYPE mood"],
};

describe("the rehearsal of a release's migrations", () => {
  let place: Environment;
  let env: Record<string, string>;
  before(async () => {
    place = await environment();
    env = await rehearsalServer(place);
  });
  afterEach(async () => assert.deepEqual(await rehearsalDatabases(place), [], "nothing stays"));

  async function rehearsed(
    migrations: readonly TestMigration[],
    options: Partial<TestApplication> = {},
    from: RestoredFrom | null = null,
  ) {
    const app = await application({ migrations: [first, ...migrations], ...options });
    const context = place.context({ env });
    const description = await describeImage(app.source, context, app.script);
    const seen = await rehearse({ source: app.source, description, from, timeoutMs: 60_000 }, context, app.script);
    const { migrations: judged } = await judgeMigrations(description, seen, context);
    return (name: string): MigrationRecord => {
      const found = judged.find((one) => one.name.startsWith(name));
      assert.ok(found);
      return found;
    };
  }
  const rules = ({ findings }: MigrationRecord) => findings.map(({ rule }) => rule);

  for (const typeorm of ["typeorm", "typeorm-0.3"] as const) {
    it(`sees the locks, the rewritten files and the rows of every statement (${typeorm})`, async () => {
      const of = await rehearsed(
        [
          {
            name: "Rewrites1760000001000",
            up: [
              "ALTER TABLE users ADD token uuid NOT NULL DEFAULT gen_random_uuid()",
              "ALTER TABLE users ADD seen timestamptz NOT NULL DEFAULT now()",
              "UPDATE users SET token = gen_random_uuid() WHERE id <= 20",
            ],
            down: ["ALTER TABLE users DROP COLUMN seen", "ALTER TABLE users DROP COLUMN token"],
          },
          {
            name: "Widens1760000002000",
            up: [
              "ALTER TABLE users ALTER email TYPE varchar(400)",
              "ALTER TABLE users ALTER balance TYPE numeric(14,2)",
              "ALTER TABLE users ALTER note TYPE varchar(100)",
            ],
            down: [
              "ALTER TABLE users ALTER note TYPE text",
              "ALTER TABLE users ALTER balance TYPE numeric(12,2)",
              "ALTER TABLE users ALTER email TYPE varchar(300)",
            ],
          },
          {
            name: "Concurrent1760000003000",
            up: ["CREATE INDEX CONCURRENTLY users_email ON users (email)"],
            down: ["DROP INDEX CONCURRENTLY users_email"],
            transaction: false,
          },
        ],
        { typeorm },
      );
      const [token, seen, update] = of("Rewrites").rehearsal?.statements ?? [];
      assert.deepEqual(token?.locks, {
        users: "AccessExclusiveLock",
        users_note: "AccessExclusiveLock",
        users_pkey: "AccessExclusiveLock",
      });
      assert.deepEqual(token.rewrites, ["users", "users_note", "users_pkey"]);
      assert.deepEqual(seen?.rewrites, []);
      assert.equal(update?.rows, 20);
      assert.deepEqual(
        of("Widens").rehearsal?.statements.map(({ rewrites }) => rewrites),
        [[], [], ["users", "users_note", "users_pkey"]],
      );
      const [concurrent] = of("Concurrent").rehearsal?.statements ?? [];
      assert.deepEqual(concurrent?.locks, { users: "ShareUpdateExclusiveLock" });
      assert.deepEqual(concurrent.rewrites, []);
      for (const name of ["Widens", "Concurrent"]) assert.equal(of(name).downProven, true, name);
      // It overwrites a column that it added itself, which is no loss.
      assert.equal(of("Rewrites").downProven, true);
    });
  }

  it("finds a down that lies, and rehearses what comes after it on another database", async () => {
    const of = await rehearsed([
      {
        name: "Lies1760000001000",
        up: ["CREATE TABLE tags (id int)", "ALTER TABLE users ADD tag int"],
        down: ["ALTER TABLE users DROP COLUMN tag"],
      },
      { name: "After1760000002000", up: ["CREATE TABLE after (id int)"], down: ["DROP TABLE after"] },
    ]);
    const lies = of("Lies");
    assert.equal(lies.downProven, false);
    assert.deepEqual(rules(lies), ["down-lies", "down-lies"]);
    assert.match(lies.findings[0]?.message ?? "", /schema is not what it was: \+ table public\.tags/);
    assert.match(lies.findings[1]?.message ?? "", /cannot run again: relation "tags" already exists/);
    assert.equal(of("After").downProven, true);
    assert.equal(of("First").downProven, true);
  });

  it("finds a down that loses data although its schema is right, and one that fails", async () => {
    const of = await rehearsed([
      {
        name: "Rounds1760000001000",
        up: ["ALTER TABLE users ALTER balance TYPE numeric(12,0) USING round(balance / 10)"],
        down: ["ALTER TABLE users ALTER balance TYPE numeric(12,2)"],
      },
      {
        name: "Drops1760000002000",
        up: ["ALTER TABLE users DROP COLUMN note"],
        down: ["ALTER TABLE users ADD note text", "CREATE INDEX users_note ON users (note)"],
      },
      { name: "Fails1760000003000", up: ["CREATE TABLE f (id int)"], down: ["DROP TABLE no_such_table"] },
    ]);
    assert.deepEqual(rules(of("Rounds")), ["type-change", "up-loses-data", "down-loses-data"]);
    assert.match(of("Rounds").findings[2]?.message ?? "", /After `down` public\.users has other content/);
    assert.match(of("Drops").findings[1]?.message ?? "", /On the rehearsal, public\.users\.note is gone\./);
    assert.ok(rules(of("Drops")).includes("down-loses-data"));
    assert.deepEqual(rules(of("Fails")), ["down-fails"]);
    assert.match(of("Fails").findings[0]?.message ?? "", /table "no_such_table" does not exist/);
    for (const name of ["Rounds", "Drops", "Fails"]) assert.equal(of(name).downProven, false, name);
  });

  it("sees what up takes from the data, where nothing of it could be read", async () => {
    const hidden = (what: string) => [`DO $$ BEGIN ${what}; END $$`];
    const of = await rehearsed([
      { name: "Fills1760000001000", up: hidden("ALTER TABLE users ADD mark int; UPDATE users SET mark = 1") },
      { name: "Empties1760000002000", up: hidden("UPDATE users SET email = '' WHERE id = 7") },
      { name: "Deletes1760000003000", up: hidden("DELETE FROM users WHERE id > 40") },
      { name: "Drops1760000004000", up: hidden("ALTER TABLE users DROP COLUMN note; DROP TYPE mood") },
    ]);
    assert.equal(of("Fills").class, "OPAQUE");
    for (const [name, text] of [
      ["Empties", "On the rehearsal, the content of public.users.email changed."],
      ["Deletes", "On the rehearsal, public.users had 50 rows and has 40."],
      ["Drops", "On the rehearsal, public.users.note is gone."],
    ] as const) {
      const { class: kind, findings } = of(name);
      assert.equal(kind, "DESTROYS", name);
      assert.equal(findings.find(({ rule }) => rule === "up-loses-data")?.message, text);
    }
  });

  it("does not take what it did to empty tables, or what was thrown away, for proven", async () => {
    const of = await rehearsed([
      { name: "Empty1760000001000", up: ["CREATE TABLE empty (price numeric(12,4))"], down: ["DROP TABLE empty"] },
      {
        name: "Rounds1760000002000",
        up: ["ALTER TABLE empty ALTER price TYPE numeric(12,2)"],
        down: ["ALTER TABLE empty ALTER price TYPE numeric(12,4)"],
      },
      {
        name: "Drops1760000003000",
        up: ["ALTER TABLE empty DROP COLUMN price"],
        down: ["ALTER TABLE empty ADD price numeric(12,2)"],
      },
    ]);
    assert.deepEqual(rules(of("Rounds")), ["type-change", "down-unproven-without-data"]);
    assert.equal(of("Rounds").downProven, false);
    assert.equal(of("Drops").downProven, false);
    assert.equal(of("Empty").downProven, true);
  });

  it("sees what a migration does that reads first or builds its SQL, and what its entities lack", async () => {
    const of = await rehearsed(
      [
        {
          name: "Reads1760000001000",
          up: [
            'js: const [{ count }] = await runner.query("SELECT count(*)::int AS count FROM users"); if (count > 0) await runner.query("DROP INDEX users_note");',
            'js: const { TableColumn } = await import("typeorm"); await runner.addColumn("users", new TableColumn({ name: "built", type: "int", isNullable: true }));',
          ],
        },
      ],
      {
        entities: `[new EntitySchema({ name: "User", tableName: "users", columns: {
          id: { type: "int", primary: true }, forgotten: { type: "int", nullable: true } } })]`,
      },
    );
    const reads = of("Reads");
    assert.equal(reads.statements.length, 3, reads.statements.join("\n"));
    assert.equal(reads.statements[1], "DROP INDEX users_note");
    assert.match(reads.statements[2] ?? "", /ALTER TABLE "users" ADD "built"/);
    assert.equal(reads.class, "OPAQUE");
    const leftover = reads.findings.find(({ rule }) => rule === "synchronize-leftover");
    assert.match(leftover?.message ?? "", /No migration makes what the entities map: .*users\.forgotten/);
  });

  it("finds what would fail on the live database: a new enum value in its own transaction", async () => {
    const of = await rehearsed([
      {
        name: "Enum1760000001000",
        up: ["ALTER TYPE mood ADD VALUE 'fine'", "ALTER TABLE users ADD feels mood DEFAULT 'fine'"],
      },
      { name: "Never1760000002000", up: ["CREATE TABLE never (id int)"] },
    ]);
    const refused = of("Enum").findings.filter(({ forbidden }) => forbidden);
    assert.deepEqual(
      refused.map(({ rule }) => rule),
      ["enum-value-in-its-transaction", "rehearsal-failed"],
    );
    assert.match(refused[1]?.message ?? "", /unsafe use of new value "fine" of enum type mood/);
    assert.equal(of("Never").rehearsal, null);
  });
});
