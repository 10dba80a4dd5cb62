import assert from "node:assert/strict";
import { builtReleases, buildLimitMs, dataSourceOf, migrate, type UnpackedImage, unpack } from "./releases.ts";
import { type Services, startServices } from "./services.ts";

const migrations = [
  ["CreateSchema1760000000000", "SeedContent1760000001000"],
  ["AddPageSeoMetadata1765000000000", "AddTicketPriorityIndex1765000001000", "AddUserFullName1765000002000"],
  ["AddTicketSearchText1766000000000"],
];

/** Everything that a migration may change: columns, constraints and indexes, by their definitions. */
const schemaOf = `
  SELECT attrelid::regclass || '.' || attname AS "name", format_type(atttypid, atttypmod) || ' ' || attnotnull AS "definition"
  FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
  WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND attnum > 0 AND NOT attisdropped
  UNION ALL SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace
  UNION ALL SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
  ORDER BY 1, 2`;

describe("the workload's migrations", () => {
  let services: Services;
  let images: UnpackedImage[];

  before(async function () {
    this.timeout(buildLimitMs);
    const releases = await builtReleases();
    services = await startServices();
    images = await Promise.all(releases.map((release) => unpack(release, "backend")));
  });
  after(async () => {
    await services.close();
    for (const image of images) await image.remove();
  });

  it("are found by an outside runner from the data source, without connecting and without changing anything", () => {
    for (const image of images) {
      const { options, isInitialized } = dataSourceOf(image, "postgresql://nowhere.invalid/none");
      assert.equal(isInitialized, false);
      assert.partialDeepStrictEqual(options, {
        synchronize: false,
        migrationsRun: false,
        dropSchema: false,
        installExtensions: false,
      });
    }
  });

  it("go up release by release, each release only its own", async () => {
    const { migratorUrl } = await services.createDatabase("by_release");
    for (const [index, image] of images.entries()) {
      assert.deepEqual(await migrate(image, migratorUrl), migrations[index]);
      assert.deepEqual(await migrate(image, migratorUrl), []);
    }
  });

  it("go down one by one to where they started, and up again to the same schema", async () => {
    const database = await services.createDatabase("down_and_up");
    const image = images[2];
    assert.ok(image);
    const before = await database.query(schemaOf);
    await migrate(image, database.migratorUrl);
    const migrated = await database.query(schemaOf);
    const dataSource = dataSourceOf(image, database.migratorUrl);
    await dataSource.initialize();
    for (let left = migrations.flat().length; left > 0; left -= 1) {
      await dataSource.undoLastMigration({ transaction: "all" });
    }
    await dataSource.destroy();
    assert.deepEqual(await database.query(schemaOf), before);
    await migrate(image, database.migratorUrl);
    assert.deepEqual(await database.query(schemaOf), migrated);
  });

  it("make exactly the schema that the entities of the same release describe", async () => {
    for (const [index, image] of images.entries()) {
      const { migratorUrl } = await services.createDatabase(`entities_${index}`);
      await migrate(image, migratorUrl);
      const dataSource = dataSourceOf(image, migratorUrl);
      await dataSource.initialize();
      const { upQueries } = await dataSource.driver.createSchemaBuilder().log();
      await dataSource.destroy();
      assert.deepEqual(
        upQueries.map(({ query }) => query),
        [],
      );
    }
  });

  it("need no right but to own the schema: no superuser, no extension", async () => {
    const database = await services.createDatabase("no_superuser");
    assert.ok(images[2]);
    await migrate(images[2], database.migratorUrl);
    assert.deepEqual(await database.query("SELECT extname FROM pg_extension"), [{ extname: "plpgsql" }]);
  });

  it("keep what release 1 wrote, and fill the new columns", async () => {
    const database = await services.createDatabase("backfill");
    const [first, second] = images;
    assert.ok(first && second);
    await migrate(first, database.migratorUrl);
    const pages = await database.query(`SELECT "id", "slug", "title" FROM "pages" ORDER BY "slug"`);
    await database.query(
      `INSERT INTO "users" ("email", "name", "password_hash") VALUES ('ada@example.com', 'Ada Lovelace', 'none')`,
    );
    await migrate(second, database.migratorUrl);
    assert.deepEqual(await database.query(`SELECT "id", "slug", "title" FROM "pages" ORDER BY "slug"`), pages);
    assert.deepEqual(await database.query(`SELECT "name", "full_name" FROM "users"`), [
      { name: "Ada Lovelace", full_name: "Ada Lovelace" },
    ]);
    assert.deepEqual(await database.query(`SELECT DISTINCT "seo_metadata" FROM "pages"`), [{ seo_metadata: {} }]);
  });

  it("seed content that can be seeded again without overwriting what editors wrote", async () => {
    const database = await services.createDatabase("seed_again");
    const [first] = images;
    assert.ok(first);
    await migrate(first, database.migratorUrl);
    await database.query(`UPDATE "pages" SET "title" = 'Edited' WHERE "slug" = 'home'`);
    await database.query(`DELETE FROM "migrations" WHERE "name" LIKE 'SeedContent%'`);
    assert.deepEqual(await migrate(first, database.migratorUrl), ["SeedContent1760000001000"]);
    assert.deepEqual(await database.query(`SELECT "title" FROM "pages" WHERE "slug" = 'home'`), [{ title: "Edited" }]);
    assert.deepEqual(await database.query(`SELECT count(*)::int AS "count" FROM "components"`), [{ count: 3 }]);
  });
});
