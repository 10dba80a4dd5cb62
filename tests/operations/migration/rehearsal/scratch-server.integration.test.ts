import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import pg from "pg";
import { createBackup } from "../../../../operations/backup/create.ts";
import { describeImage } from "../../../../operations/migration/image-runner.ts";
import { judgeMigrations } from "../../../../operations/migration/judge-migrations.ts";
import { rehearseAll } from "../../../../operations/migration/rehearsal/rehearse-release.ts";
import { withScratchServer } from "../../../../operations/migration/rehearsal/scratch-server.ts";
import { application } from "../../database/support/application.ts";
import { migrate, rejected } from "../../database/support/migration.ts";
import { environment, type Environment } from "../../database/support/platform.ts";
import { rehearsalDatabases, rehearsalServer } from "./rehearsal-server.ts";

describe("a rehearsal's scratch server", () => {
  let place: Environment;
  before(async () => {
    place = await environment();
  });

  const ask = (env: Record<string, string>) => withScratchServer(place.context({ env }), () => Promise.resolve());

  it("is refused when it holds live databases and does not say that they do not matter", async () => {
    const env = await rehearsalServer(place, { declared: false });
    await rejected(
      ask(env),
      "refused",
      /is no scratch server: the server holds live databases: .*\b/,
      new RegExp(place.name),
    );
  });

  it("is refused, with all its problems, when the URL names a live database as a role that may make none", async () => {
    await place.sql("migrator", "CREATE TABLE IF NOT EXISTS precious (id int)");
    await place.sql("admin", `CREATE ROLE ${place.name}_visitor LOGIN PASSWORD 'a-password-of-the-tests'`);
    const url = new URL(place.env.DATABASE_URL ?? "");
    url.username = `${place.name}_visitor`;
    await place.sql("admin", `GRANT CONNECT ON DATABASE ${place.name} TO ${place.name}_visitor`);
    await rejected(
      ask({ ...place.env, REHEARSAL_DATABASE_URL: url.href }),
      "refused",
      /may not create databases \(CREATEDB\)/,
      /is not empty: it has .*precious/,
      /holds live databases/,
    );
  });

  it("is refused without a URL, before anything is asked", async () => {
    await rejected(ask(place.env), "usage", /REHEARSAL_DATABASE_URL: is not set/);
  });

  it("drops what a killed rehearsal left, and leaves alone what a living one has", async () => {
    const env = await rehearsalServer(place);
    const [dead, alive] = [randomBytes(6).toString("hex"), randomBytes(6).toString("hex")];
    const url = new URL(env.REHEARSAL_DATABASE_URL ?? "");
    const living = new pg.Client({ connectionString: url.href, application_name: `affexai-lock-${alive}` });
    await living.connect();
    try {
      for (const run of [dead, alive]) await living.query(`CREATE DATABASE affexai_rehearsal_${run}_1`);
      await ask(env);
      assert.deepEqual(await rehearsalDatabases(place), [`affexai_rehearsal_${alive}_1`]);
    } finally {
      await living.end();
    }
    await ask(env);
    assert.deepEqual(await rehearsalDatabases(place), []);
  });

  it("rehearses on a backup's data what the backup does not have yet, and from nothing what it has", async () => {
    const first = {
      name: "First1760000000000",
      up: ["CREATE TABLE items (id int PRIMARY KEY, price numeric(12,4))"],
      down: ["DROP TABLE items"],
    };
    const older = await application({ migrations: [first] });
    await migrate(place, older, await older.record(place.context()), { protectedTables: [] });
    await place.sql("migrator", "INSERT INTO items VALUES (1, 1.2345), (2, 1.5)");
    const target = { bucket: place.bucket, environment: "test" };
    const { id } = await createBackup.run({ ...target, reason: "manual" }, place.context());
    const app = await application({
      migrations: [
        first,
        {
          name: "Rounds1760000001000",
          up: ["ALTER TABLE items ALTER price TYPE numeric(12,2)"],
          down: ["ALTER TABLE items ALTER price TYPE numeric(12,4)"],
        },
        {
          name: "Adds1760000002000",
          up: ["ALTER TABLE items ADD CONSTRAINT priced CHECK (price > 0) NOT VALID"],
          down: ["ALTER TABLE items DROP CONSTRAINT priced"],
        },
      ],
    });
    const context = place.context({ env: await rehearsalServer(place) });
    const description = await describeImage(app.source, context, app.script);
    const rehearsed = await rehearseAll(app.source, description, target, context, app.script);
    const { migrations } = await judgeMigrations(description, rehearsed, context);
    assert.deepEqual(
      migrations.map(({ name, rehearsal, downProven }) => [name.slice(0, -13), rehearsal?.backup, downProven]),
      [
        ["First", null, true],
        ["Rounds", id, false],
        ["Adds", id, true],
      ],
    );
    // On an empty table nobody would have seen that the scale is lost.
    assert.deepEqual(
      migrations[1]?.findings.map(({ rule }) => rule),
      ["type-change", "up-loses-data", "down-loses-data"],
    );
    assert.deepEqual(migrations[1].rehearsal?.statements[0]?.rewrites, ["items", "items_pkey"]);
    assert.deepEqual(await rehearsalDatabases(place), []);
  });
});
