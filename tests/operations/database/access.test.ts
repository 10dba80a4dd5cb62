import assert from "node:assert/strict";
import { databaseAccess, databaseUrl, onDatabase, placeOf } from "../../../operations/database/access.ts";
import { partSize } from "../../../operations/backup/dump.ts";
import { operationsDatabase } from "../../../operations/database/operations-database.ts";
import { scramMatches, scramVerifier } from "../../../operations/database/scram.ts";
import { OperationError } from "../../../operations/error.ts";

describe("a database URL", () => {
  it("is taken apart, with what is percent-encoded", () => {
    const access = databaseAccess(
      { DATABASE_URL: "postgres://app%40x:p%2Fw%25@db.internal/af%20fexai?sslmode=require" },
      "DATABASE_URL",
    );
    assert.deepEqual(access, {
      variable: "DATABASE_URL",
      host: "db.internal",
      port: 5432,
      user: "app@x",
      password: "p/w%",
      database: "af fexai",
      tls: { mode: "require" },
    });
  });

  it("is the same again after it was put together", () => {
    const env = { A: "postgres://app%40x:p%2Fw%25@[::1]:5433/affexai" };
    const access = databaseAccess(env, "A");
    assert.deepEqual(databaseAccess({ A: databaseUrl(access) }, "A"), access);
    assert.equal(onDatabase(access, "other").database, "other");
  });

  it("says where its host is reached, when that is elsewhere", () => {
    const env = { A: "postgres://app:pw@db.internal:40001/affexai?sslmode=verify-full&hostaddr=127.0.0.1" };
    const access = databaseAccess(env, "A");
    assert.deepEqual([access.host, access.hostAddress, access.port], ["db.internal", "127.0.0.1", 40_001]);
    assert.deepEqual(databaseAccess({ A: databaseUrl(access) }, "A"), access);
    assert.equal(placeOf(access), "db.internal (by 127.0.0.1:40001)");
  });

  for (const [url, problem] of [
    [undefined, /is not set/],
    ["nonsense", /is not a URL/],
    ["mysql://u:secret1@h/d", /has the scheme mysql:/],
    ["postgres://h", /names no user, names no database/],
    ["postgres://u:secret1@h/d?sslmode=prefer", /has sslmode=prefer/],
    ["postgres://u:secret1@h/d?hostaddr=elsewhere", /has hostaddr=elsewhere, no IP address/],
    ["postgres://u:secret1@h/d?pool=1&x=2", /has the parameter pool, has the parameter x/],
  ] as const) {
    it(`is refused when it ${problem.source}, without its password`, () => {
      assert.throws(
        () => databaseAccess({ DATABASE_URL: url }, "DATABASE_URL"),
        (error) =>
          error instanceof OperationError &&
          error.kind === "usage" &&
          problem.test(error.message) &&
          !error.message.includes("secret1"),
      );
    });
  }
});

describe("a stored password", () => {
  // PostgreSQL 15: CREATE ROLE ... PASSWORD 'pencil' with salt and iterations of RFC 7677's example.
  const salt = Buffer.from("W22ZaJ0SNY7soEsUEjb6gQ==", "base64");

  it("is the verifier of RFC 7677's example", () => {
    assert.equal(
      scramVerifier("pencil", salt),
      "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=",
    );
  });

  it("is recognised, and another one is not", () => {
    assert.equal(scramMatches(scramVerifier("one"), "one"), true);
    assert.equal(scramMatches(scramVerifier("one"), "two"), false);
    assert.equal(scramMatches("md5abc", "one"), false);
  });
});

describe("the parts of an upload", () => {
  it("are 8 MiB, and larger where 10,000 of them would not do", () => {
    assert.equal(partSize(0), 8 * 1024 ** 2);
    assert.equal(partSize(5 * 1024 ** 3), 8 * 1024 ** 2);
    assert.ok(partSize(1024 ** 4) * 10_000 >= 2 * 1024 ** 4);
  });
});

describe("the operations database", () => {
  it("is named after the database, which must leave room for the names made of it", () => {
    assert.equal(operationsDatabase("affexai"), "affexai_ops");
    assert.throws(() => operationsDatabase("a".repeat(37)), /longer than 36 characters/);
  });
});
