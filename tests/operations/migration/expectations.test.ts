import assert from "node:assert/strict";
import { entityLosses, expectedChanges } from "../../../operations/migration/expectations.ts";

const expects = (changes: object) => ({ expects: { deletes: {}, updates: {}, remains: [], ...changes } });

describe("what migrations are expected to change", () => {
  it("is the sum over all of them, by qualified table", () => {
    assert.deepEqual(
      expectedChanges([
        expects({ deletes: { audit: 10, "log.entries": 1 }, updates: { users: ["email"] } }),
        expects({ deletes: { "public.audit": 5 }, updates: { users: ["name"] } }),
      ]),
      {
        deletes: { "public.audit": 15, "log.entries": 1 },
        updates: { "public.users": ["email", "name"] },
      },
    );
  });
});

describe("differences between entities and schema", () => {
  const index = 'CREATE INDEX "users_mail" ON "users" ("email") ';

  it("count when the schema lacks something that an entity has", () => {
    const add = 'ALTER TABLE "users" ADD "nickname" text';
    assert.deepEqual(entityLosses([add, index], []), [
      `the entities differ from the schema: TypeORM would run ${add}`,
      `the entities differ from the schema: TypeORM would run ${index}`,
    ]);
  });

  it("do not count when the schema has more, or when a migration declares them", () => {
    const more = [
      'DROP INDEX "public"."users_by_hand"',
      'ALTER TABLE "users" DROP COLUMN "old"',
      'ALTER TABLE "users" DROP CONSTRAINT "users_check"',
      'ALTER TABLE "users" ALTER COLUMN "email" DROP DEFAULT',
      `COMMENT ON COLUMN "users"."email" IS 'x'`,
    ];
    assert.deepEqual(entityLosses(more, []), []);
    assert.deepEqual(entityLosses([index], [expects({ remains: [`${index.trim()};`] })]), []);
  });

  it("count when a column takes no null and an entity may write one", () => {
    assert.equal(entityLosses(['ALTER TABLE "users" ALTER COLUMN "email" DROP NOT NULL'], []).length, 1);
  });
});
