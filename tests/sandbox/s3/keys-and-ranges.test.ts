import assert from "node:assert/strict";
import fc from "fast-check";
import { readAddress } from "../../../sandbox/s3/address.ts";
import { readRange } from "../../../sandbox/s3/object/range.ts";
import { compareKeys, SortedKeys } from "../../../sandbox/s3/store/key-order.ts";

describe("keys", () => {
  it("are ordered by their UTF-8 bytes", () => {
    const key = fc.string({ unit: fc.constantFrom("a", "é", "\uff5e", "\u{1f600}", "\ud7ff"), maxLength: 4 });
    fc.assert(
      fc.property(key, key, (a, b) => {
        assert.equal(Math.sign(compareKeys(a, b)), Buffer.compare(Buffer.from(a), Buffer.from(b)));
      }),
    );
  });

  it("stay sorted while they come and go", () => {
    const keys = new SortedKeys();
    for (const key of ["b", "a", "c", "a"]) keys.add(key);
    keys.remove("b");
    keys.remove("never");
    assert.deepEqual([...keys.startingAt("")], ["a", "c"]);
    assert.deepEqual([...keys.startingAt("b")], ["c"]);
  });

  it("are read from the path, or with the bucket from the host's name", () => {
    const { bucket, key, query } = readAddress("/backups/a%20b/c%2Fd+e?versionId=x%3D&tagging", "127.0.0.1:7302");
    assert.deepEqual({ bucket, key }, { bucket: "backups", key: "a b/c/d+e" });
    assert.deepEqual(query, [
      ["versionId", "x="],
      ["tagging", ""],
    ]);
    const hosted = readAddress("/a/b", "uploads.s3.sandbox.localhost:7302");
    assert.deepEqual([hosted.bucket, hosted.key], ["uploads", "a/b"]);
    assert.deepEqual([readAddress("/", "x").bucket, readAddress("/one", "x").key], [undefined, undefined]);
    assert.throws(() => readAddress("/bucket/%zz", "x"), { code: "InvalidArgument" });
    assert.throws(() => readAddress(`/bucket/${"k".repeat(1025)}`, "x"), { code: "KeyTooLongError" });
  });
});

describe("a range", () => {
  const cases: readonly [string | undefined, ReturnType<typeof readRange>][] = [
    ["bytes=0-0", { start: 0, length: 1 }],
    ["bytes=3-", { start: 3, length: 7 }],
    ["bytes=-4", { start: 6, length: 4 }],
    ["bytes=-40", { start: 0, length: 10 }],
    ["bytes=9-20", { start: 9, length: 1 }],
    ["bytes=5-3", null],
    ["bytes=0-1,3-4", null],
    ["lines=1-2", null],
    [undefined, null],
  ];
  for (const [header, expected] of cases) {
    it(`${header ?? "that is missing"} is ${expected === null ? "the whole object" : JSON.stringify(expected)} of ten bytes`, () => {
      assert.deepEqual(readRange(header, 10), expected);
    });
  }
  it("behind the end cannot be satisfied", () => {
    for (const header of ["bytes=10-", "bytes=-0"])
      assert.throws(() => readRange(header, 10), { code: "InvalidRange" });
  });
});
