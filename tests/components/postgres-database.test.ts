import assert from "node:assert/strict";
import { isSecret } from "@pulumi/pulumi";
import { PostgresDatabase } from "../../components/postgres-database.ts";
import { deploy, mockEngine, valueOf } from "../pulumi.ts";
import { placement, specOf } from "./placement.ts";

const answer = { "database-apply": { stdout: '{"uuid":"db-1","host":"pg","port":5432}' } };

describe("a PostgreSQL database", () => {
  it("on Coolify is applied with a generated password, and protected with it", async () => {
    const engine = await mockEngine({ outputs: answer });
    const database = await deploy(
      () =>
        new PostgresDatabase("database", {
          kind: "coolify",
          placement,
          image: "postgres:16-alpine",
          database: "affexai",
        }),
    );
    assert.deepEqual(engine.shape(), [
      "affexai:coolify:PostgresDatabase$command:local:Command::database-apply",
      "affexai:coolify:PostgresDatabase$random:index/randomPassword:RandomPassword::database-password",
      "affexai:coolify:PostgresDatabase::database",
    ]);
    assert.deepEqual(engine.named("database-password").inputs, { length: 32, special: false });
    assert.ok(engine.named("database-password").protect);
    const command = engine.named("database-apply");
    assert.ok(command.protect);
    assert.deepEqual(specOf(command), {
      owner: "affexai/test/database",
      placement,
      name: "affexai-postgres",
      image: "postgres:16-alpine",
      user: "affexai_admin",
      database: "affexai",
    });
    assert.deepEqual(command.inputs["environment"], { POSTGRES_PASSWORD: "generated-database-password" });
    assert.equal(
      await valueOf(database.adminUrl),
      "postgresql://affexai_admin:generated-database-password@pg:5432/affexai",
    );
    assert.equal(await isSecret(database.adminUrl), true);
  });

  it("of somebody else's is adopted by its URL, which stays secret, and nothing is made", async () => {
    const engine = await mockEngine();
    const adminUrl = "postgresql://root:pw@db.example.com/affexai_prod?sslmode=verify-full";
    const database = await deploy(
      () => new PostgresDatabase("database", { kind: "external", adminUrl, database: "affexai_prod" }),
    );
    assert.deepEqual(engine.shape(), ["affexai:coolify:PostgresDatabase::database"]);
    assert.deepEqual(engine.named("database").secrets, ["adminUrl"]);
    assert.equal(await valueOf(database.adminUrl), adminUrl);
    assert.equal(await isSecret(database.adminUrl), true);
  });
});
