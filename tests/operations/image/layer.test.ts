import assert from "node:assert/strict";
import { readEntry } from "../../../operations/image/layer.ts";

type Header = Parameters<typeof readEntry>[1];

function header(name: string, type: Header["type"] = "file", linkname = ""): Header {
  const owner = { uid: 0, gid: 0, uname: "", gname: "", devmajor: 0, devminor: 0 };
  return { ...owner, name, type, linkname, mode: 0o100755, size: 3, mtime: new Date(0) };
}

const read = (entry: Header) => readEntry("layer", entry, 9);

describe("a layer's entry", () => {
  it("loses leading and doubled slashes and dots", () => {
    const expected = { type: "file", path: "app/main.js", mode: 0o755, size: 3, content: 9 };
    for (const name of ["app/main.js", "./app/main.js", "/app//main.js", "app/./main.js"]) {
      assert.deepEqual(read(header(name)), expected);
    }
  });

  it("is a whiteout or an opaque folder by its name", () => {
    assert.deepEqual(read(header("app/.wh.old")), { type: "whiteout", path: "app/old" });
    assert.deepEqual(read(header("app/.wh..wh..opq")), { type: "opaque", path: "app" });
    assert.deepEqual(read(header(".wh..wh..opq")), { type: "opaque", path: "" });
    assert.equal(read(header(".wh..wh.plnk")), undefined);
  });

  it("is left out when it is the root itself", () => {
    assert.equal(read(header("./", "directory")), undefined);
  });

  it("keeps a symlink's target and cleans a hard link's", () => {
    assert.deepEqual(read(header("a", "symlink", "../b")), { type: "symlink", path: "a", target: "../b" });
    assert.deepEqual(read(header("a", "link", "./b/c")), { type: "link", path: "a", target: "b/c" });
  });

  for (const name of ["../etc/passwd", "app/../../etc/passwd", "/..", "a\0b", ".wh...", ".wh.", "app/.wh.."]) {
    it(`is refused when it is called ${JSON.stringify(name)}`, () => {
      assert.throws(() => read(header(name)), { kind: "refused" });
    });
  }

  it("is refused when it has no name, is a device, or links outside", () => {
    assert.throws(() => read(header("./")), /has a file without a name/);
    assert.throws(() => read(header("dev/sda", "block-device")), /of type block-device/);
    assert.throws(() => read(header("a", "link", "../../etc/shadow")), /points outside the image/);
  });
});
