import assert from "node:assert/strict";
import { objectSha, treeSha } from "../../../sandbox/github/git-objects.ts";

describe("git objects", () => {
  it("have the names that git gives them", () => {
    assert.equal(objectSha("blob", Buffer.alloc(0)), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
    assert.equal(objectSha("blob", Buffer.from("hello\n")), "ce013625030ba8dba906f756967f9e9ca394464a");
    assert.equal(treeSha({}), "4b825dc642cb6eb9a060e54bf8d69288fbee4904");
  });

  it("are trees of trees, each sorted as git sorts", () => {
    const blob = "ce013625030ba8dba906f756967f9e9ca394464a";
    // git update-index --add for each path, then git write-tree.
    assert.equal(treeSha({ "a/b": blob, "a.txt": blob, "a-b": blob }), "2e0a12f3c83b35eb027871edda952f4cac9be3f9");
    assert.equal(treeSha({ "a.txt": blob, "a-b": blob, "a/b": blob }), "2e0a12f3c83b35eb027871edda952f4cac9be3f9");
  });
});
