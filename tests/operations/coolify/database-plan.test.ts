import assert from "node:assert/strict";
import { Database } from "../../../operations/coolify/answers.ts";
import { planDatabase, type WantedDatabase } from "../../../operations/coolify/database-plan.ts";

const wanted: WantedDatabase = {
  owner: "affexai/production/database",
  kind: "postgresql",
  name: "affexai-postgres",
  image: "postgres:16-alpine",
  fields: { postgres_user: "admin", postgres_password: "PasswordOfTheTests42", postgres_db: "affexai" },
};
const found = (change: object = {}) =>
  Database.parse({
    ...{ uuid: "d1", name: wanted.name, status: "running:healthy", image: wanted.image, is_public: false },
    description: `affexai owner=${wanted.owner}`,
    ...wanted.fields,
    ...change,
  });
const words = (change: object, spec = wanted) => planDatabase(spec, found(change)).map(({ what }) => what);

describe("the plan of a database", () => {
  it("finds nothing where nothing differs, whoever made it, and where the token may not see", () => {
    assert.deepEqual(words({}), []);
    assert.deepEqual(words({ description: "made by hand" }), []);
    assert.deepEqual(words({ postgres_password: undefined, postgres_user: undefined }), []);
    assert.deepEqual(words({ description: "affexai owner=database" }), [], "a mark of before stacks were written down");
  });

  it("finds each difference in words, and no password in any", () => {
    const differences = planDatabase(
      wanted,
      found({ postgres_db: "other", postgres_password: "SecretOfSomebody99", is_public: true, public_port: 5432 }),
    );
    assert.deepEqual(
      differences.map(({ what }) => what),
      ["has another password", "has postgres_db other instead of affexai", "is open to the internet at port 5432"],
    );
    assert.doesNotMatch(JSON.stringify(differences), /SecretOfSomebody99|PasswordOfTheTests42/);
  });

  it("tells another major version from another tag, and that PostgreSQL needs a restore for it", () => {
    const [major] = planDatabase(wanted, found({ image: "postgres:15-alpine" }));
    assert.equal(major?.what, "runs postgres:15-alpine, another major version than postgres:16-alpine");
    assert.match(
      major?.next ?? "",
      /declare a second database of another name, move the data by a backup and a restore/,
    );
    const [tag] = planDatabase(wanted, found({ image: "postgres:16.4-alpine" }));
    assert.equal(tag?.what, "runs postgres:16.4-alpine instead of postgres:16-alpine");
    assert.match(tag?.next ?? "", /in a maintenance window/);
  });

  it("does not take over what another program or stack manages", () => {
    assert.deepEqual(words({ description: "affexai owner=affexai/staging/database" }), [
      "belongs to affexai/staging/database",
    ]);
    assert.deepEqual(words({ description: "affexai owner=affexai/production/postgres" }), [], "renamed in this stack");
  });
});
