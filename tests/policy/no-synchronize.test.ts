import assert from "node:assert/strict";
import { noSynchronize } from "../../policy/no-synchronize.ts";
import { application, migration, withProperty } from "./declared.ts";
import { unknown, violations } from "./violations.ts";

const must = (where: string) => [`backend: ${where} must be one of false, 0, no, off.`];

describe("no-synchronize", () => {
  it("allows what is off by any of its words", async () => {
    for (const off of ["false", "FALSE", "0", "no", " off "]) {
      assert.deepEqual(
        await violations(noSynchronize, withProperty(application, "variables.DATABASE_SYNCHRONIZE", off)),
        [],
      );
    }
    assert.deepEqual(await violations(noSynchronize, migration), []);
  });

  it("allows an application that does not mention it", async () => {
    assert.deepEqual(
      await violations(noSynchronize, withProperty(application, "variables.DATABASE_SYNCHRONIZE", undefined)),
      [],
    );
  });

  for (const value of ["true", "TRUE", "1", "yes", "on", "t", "enabled", "", true, 1, null]) {
    it(`refuses the variable as ${JSON.stringify(value)}`, async () => {
      assert.deepEqual(
        await violations(noSynchronize, withProperty(application, "variables.DATABASE_SYNCHRONIZE", value)),
        must("variables.DATABASE_SYNCHRONIZE"),
      );
    });
  }

  for (const name of [
    "TYPEORM_SYNCHRONIZE",
    "synchronize",
    "DB_SYNCHRONIZE_SCHEMA",
    "TYPEORM_DROP_SCHEMA",
    "MIGRATIONS_RUN",
  ]) {
    it(`knows the variable ${name}, among the secret ones too`, async () => {
      assert.deepEqual(
        await violations(noSynchronize, withProperty(application, `variables.${name}`, "true")),
        must(`variables.${name}`),
      );
      assert.deepEqual(
        await violations(noSynchronize, withProperty(application, `secretVariables.${name}`, "true")),
        must(`secretVariables.${name}`),
      );
    });
  }

  it("refuses a variable that a preview cannot know", async () => {
    const [message, ...others] = await violations(
      noSynchronize,
      withProperty(application, "variables.DATABASE_SYNCHRONIZE", unknown),
    );
    assert.match(message ?? "", /^backend: .*DATABASE_SYNCHRONIZE can't be known during preview/);
    assert.deepEqual(others, []);
  });

  for (const option of ["synchronize", "dropSchema", "migrationsRun"]) {
    it(`refuses an image built with ${option}`, async () => {
      assert.deepEqual(await violations(noSynchronize, withProperty(migration, `record.typeorm.${option}`, true)), [
        `migration: record.typeorm.${option} must be false: the image would change the schema at start.`,
      ]);
    });
  }

  it("refuses an image whose options nobody looked at, or that are not known", async () => {
    const looked = ["migration: record.typeorm must say which TypeORM options were found in the image."];
    assert.deepEqual(await violations(noSynchronize, withProperty(migration, "record.typeorm", undefined)), looked);
    assert.deepEqual(
      await violations(noSynchronize, withProperty(migration, "record.typeorm.synchronize", undefined)),
      looked,
    );
    assert.deepEqual(await violations(noSynchronize, withProperty(migration, "record", undefined)), looked);
    for (const path of ["record", "record.typeorm", "record.typeorm.synchronize"]) {
      const [message] = await violations(noSynchronize, withProperty(migration, path, unknown));
      assert.match(message ?? "", /can't be known during preview/, path);
    }
  });
});
