import assert from "node:assert/strict";
import type { LayerEntry } from "../../../operations/image/layer.ts";
import { mergeLayers, type Directory } from "../../../operations/image/tree.ts";

const file = (path: string, content = 0): LayerEntry => ({ type: "file", path, mode: 0o644, size: 1, content });
const folder = (path: string, mode = 0o755): LayerEntry => ({ type: "directory", path, mode });
const symlink = (path: string, target: string): LayerEntry => ({ type: "symlink", path, target });
const link = (path: string, target: string): LayerEntry => ({ type: "link", path, target });
const whiteout = (path: string): LayerEntry => ({ type: "whiteout", path });
const opaque = (path: string): LayerEntry => ({ type: "opaque", path });

/** The merged tree as lines: `path/`, `path -> target`, `path = layer:content`. */
function show(layers: LayerEntry[][]): string[] {
  const lines: string[] = [];
  const walk = (directory: Directory, prefix: string) => {
    for (const [name, child] of directory.children) {
      const path = `${prefix}${name}`;
      if (child.type === "directory") {
        lines.push(`${path}/`);
        walk(child, `${path}/`);
      } else if (child.type === "symlink") lines.push(`${path} -> ${child.target}`);
      else lines.push(`${path} = ${child.layer}:${child.content}`);
    }
  };
  walk(mergeLayers(layers), "");
  return lines.sort();
}

describe("layers laid over each other", () => {
  it("keep what is below and replace what has the same path", () => {
    assert.deepEqual(
      show([
        [file("a"), file("b/c")],
        [file("b/c", 7), file("b/d")],
      ]),
      ["a = 0:0", "b/", "b/c = 1:7", "b/d = 1:0"],
    );
  });

  it("keep a folder's content when only its mode changes", () => {
    const root = mergeLayers([[folder("a"), file("a/b")], [folder("a", 0o700)]]);
    const a = root.children.get("a");
    assert.ok(a?.type === "directory" && a.children.has("b"));
    assert.equal(a.mode, 0o700);
  });

  it("lose what a whiteout names, with everything below it", () => {
    assert.deepEqual(show([[file("a/b/c"), file("a/d")], [whiteout("a/b")]]), ["a/", "a/d = 0:0"]);
  });

  it("lose the content of an opaque folder, but not what the same layer puts there, whatever the order", () => {
    for (const upper of [
      [opaque("a"), file("a/new", 1)],
      [file("a/new", 1), opaque("a")],
    ]) {
      assert.deepEqual(show([[file("a/old"), file("b")], upper]), ["a/", "a/new = 1:1", "b = 0:0"]);
    }
  });

  it("keep a file that the same layer writes and whites out below it", () => {
    assert.deepEqual(show([[file("a", 1)], [file("a", 2), whiteout("a")]]), ["a = 1:2"]);
  });

  it("ignore a whiteout of nothing", () => {
    assert.deepEqual(show([[file("a")], [whiteout("x/y"), whiteout("b"), opaque("z")]]), ["a = 0:0"]);
  });

  it("replace a folder by a file and a symlink by a folder", () => {
    assert.deepEqual(show([[file("a/b")], [file("a", 3)]]), ["a = 1:3"]);
    assert.deepEqual(
      show([
        [symlink("a", "b"), folder("b")],
        [folder("a"), file("a/c")],
      ]),
      ["a/", "a/c = 1:0", "b/"],
    );
  });

  it("follow symlinks of lower layers, inside the image", () => {
    const lower = [folder("usr/bin"), symlink("bin", "usr/bin"), symlink("sbin", "/usr/bin")];
    assert.deepEqual(show([lower, [file("bin/x"), file("sbin/y")]]), [
      "bin -> usr/bin",
      "sbin -> /usr/bin",
      "usr/",
      "usr/bin/",
      "usr/bin/x = 1:0",
      "usr/bin/y = 1:0",
    ]);
  });

  it("share the content of hard links, also with a layer below", () => {
    assert.deepEqual(show([[file("a", 4)], [link("b", "a")]]), ["a = 0:4", "b = 0:4"]);
    assert.throws(
      () => mergeLayers([[link("b", "missing")]]),
      /is a hard link to missing, which is not a file of the image/,
    );
    assert.throws(() => mergeLayers([[folder("d"), link("b", "d")]]), { kind: "refused" });
  });

  it("refuse a path below a file or below a symlink to nothing", () => {
    assert.throws(() => mergeLayers([[file("a"), file("a/b")]]), /lies under a, which is not a directory/);
    assert.throws(
      () => mergeLayers([[symlink("a", "nowhere"), file("a/b")]]),
      /lies under a, which is not a directory/,
    );
  });

  for (const [what, entries] of Object.entries({
    "climbs out": [symlink("a/b", "../../etc/passwd")],
    "climbs out of the root by an absolute path": [symlink("a", "/../etc")],
    "climbs out through another symlink": [folder("x/y"), symlink("x/y/up", "../.."), symlink("x/y/out", "up/../etc")],
    "climbs out through a folder that is not there yet": [symlink("a", "missing/../../etc")],
    "climbs out through an absolute symlink": [folder("x"), symlink("x/top", "/"), symlink("x/out", "top/../etc")],
  } satisfies Record<string, LayerEntry[]>)) {
    it(`refuse a symlink that ${what}`, () => {
      assert.throws(() => mergeLayers([entries]), /which leads out of the image/);
    });
  }

  it("refuse an entry that is written through a symlink leading out", () => {
    assert.throws(() => mergeLayers([[symlink("etc", "../../etc"), file("etc/passwd")]]), /leads out of the image/);
  });

  it("accept symlinks that dangle or go round inside the image", () => {
    const entries = [symlink("a", "b"), symlink("b", "a"), symlink("c", "missing/x"), symlink("deep/d", "../c")];
    assert.equal(show([entries]).length, 5);
  });
});
