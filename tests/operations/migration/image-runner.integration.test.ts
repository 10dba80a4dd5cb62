import assert from "node:assert/strict";
import { describeImage } from "../../../operations/migration/image-runner.ts";
import { OperationError } from "../../../operations/error.ts";
import { silent } from "../../../operations/progress.ts";
import { application, type TestApplication } from "../database/support/application.ts";

const context = { env: process.env, progress: silent, signal: new AbortController().signal };

const entities = `[new EntitySchema({ name: "User", tableName: "users", columns: {
  id: { type: "int", primary: true, generated: "increment" },
  email: { type: "varchar", length: 255, unique: true },
  nickname: { type: String, nullable: true },
  balance: { type: "numeric", precision: 12, scale: 2 },
  tags: { type: "text", array: true },
  role: { type: "enum", enum: ["admin", "member"] },
  seen: { type: "timestamptz", name: "seen_at", insert: false, nullable: true },
} })]`;

const migrations = [
  {
    name: "Second1760000001000",
    up: [
      'js: const { Table } = await import("typeorm"); await runner.createTable(new Table({ name: "built", columns: [{ name: "id", type: "int", isPrimary: true }] }));',
    ],
  },
  {
    name: "First1760000000000",
    up: ["CREATE TABLE users (id int)", "COMMENT ON TABLE users IS 'x'"],
    down: ["DROP TABLE users"],
  },
  { name: "Third1760000002000", up: ["CREATE INDEX CONCURRENTLY users_id ON users (id)"], transaction: false },
  {
    name: "Reads1760000003000",
    up: [
      'js: const [{ count }] = await runner.query("SELECT count(*) FROM users"); if (count > 0) throw new Error("full");',
    ],
  },
];

const variants: readonly (Pick<TestApplication, "typeorm" | "module" | "exported"> & { what: string })[] = [
  { what: "TypeORM 1, CommonJS, default export", typeorm: "typeorm", module: "commonjs", exported: "default" },
  { what: "TypeORM 1, ES module, named export", typeorm: "typeorm", module: "module", exported: "named" },
  { what: "TypeORM 0.3, CommonJS, named export", typeorm: "typeorm-0.3", module: "commonjs", exported: "named" },
  { what: "TypeORM 0.3, ES module, promised", typeorm: "typeorm-0.3", module: "module", exported: "promise" },
];

describe("an image's description of itself", () => {
  for (const { what, ...variant } of variants) {
    it(`lists migrations, contract and options (${what})`, async () => {
      const app = await application({ migrations, entities, ...variant });
      const described = await describeImage(app.source, context, app.script);
      assert.deepEqual(described.typeorm, { synchronize: false, dropSchema: false, migrationsRun: false });
      assert.deepEqual(
        described.migrations.map(({ name, hasDown, transaction }) => [name, hasDown, transaction]),
        [
          ["First1760000000000", true, true],
          ["Second1760000001000", false, true],
          ["Third1760000002000", false, false],
          ["Reads1760000003000", false, true],
        ],
      );
      const [first, second, , reads] = described.migrations;
      assert.deepEqual(first?.statements, ["CREATE TABLE users (id int)", "COMMENT ON TABLE users IS 'x'"]);
      assert.equal(first?.incomplete, null);
      assert.match(second?.statements[0] ?? "", /CREATE TABLE "built"/);
      assert.match(reads?.incomplete ?? "", /could not be recorded|reads data/);
      assert.deepEqual(described.contract.users?.columns, {
        id: { type: "integer", nullable: false, insertable: true },
        email: { type: "character varying(255)", nullable: false, insertable: true },
        nickname: { type: "character varying", nullable: true, insertable: true },
        balance: { type: "numeric(12,2)", nullable: false, insertable: true },
        tags: { type: "text[]", nullable: false, insertable: true },
        role: { type: "enum", nullable: false, insertable: true, enumLabels: ["admin", "member"] },
        seen_at: { type: "timestamp with time zone", nullable: true, insertable: false },
      });
    });
  }

  it('takes synchronize as TypeORM does: the string "false" is a yes', async () => {
    const app = await application({ migrations: [], options: 'synchronize: "false",' });
    const described = await describeImage(app.source, context, app.script);
    assert.equal(described.typeorm.synchronize, true);
  });

  it("gives a changed migration another hash, and the same one the same", async () => {
    const hash = async (sql: string) => {
      const app = await application({ migrations: [{ name: "One1760000000000", up: [sql] }] });
      return (await describeImage(app.source, context, app.script)).migrations[0]?.sha256;
    };
    assert.equal(await hash("SELECT 1"), await hash("SELECT 1"));
    assert.notEqual(await hash("SELECT 1"), await hash("SELECT 2"));
  });

  it("carries what a migration expects to change, and refuses what is no such declaration", async () => {
    const describing = async (expects: object) => {
      const app = await application({ migrations: [{ name: "Clean1760000000000", up: ["DELETE FROM a"], expects }] });
      return (await describeImage(app.source, context, app.script)).migrations[0];
    };
    const declared = await describing({ deletes: { audit: 10 }, updates: { users: ["email"] } });
    assert.deepEqual(declared?.expects, { deletes: { audit: 10 }, updates: { users: ["email"] }, remains: [] });
    assert.notEqual((await describing({ deletes: { audit: 11 } }))?.sha256, declared.sha256);
    await assert.rejects(
      describing({ deletes: { audit: "all" }, update: {} }),
      /Clean1760000000000: affexai\.deletes must be how many rows may go, by table; affexai\.update is none of deletes, updates, remains/,
    );
  });

  it("refuses an entry point that is missing or exports no data source", async () => {
    const app = await application({ migrations: [] });
    const refused = (pattern: RegExp) => (error: unknown) => {
      assert.ok(error instanceof OperationError);
      assert.equal(error.kind, "refused");
      assert.match(error.message, pattern);
      return true;
    };
    await assert.rejects(
      describeImage({ ...app.source, dataSource: "dist/nothing.js" }, context, app.script),
      refused(/dist\/nothing\.js could not be loaded/),
    );
    await assert.rejects(
      describeImage({ ...app.source, dataSource: "package.json" }, context, app.script),
      refused(/package\.json could not be loaded|exports 0/),
    );
  });
});
