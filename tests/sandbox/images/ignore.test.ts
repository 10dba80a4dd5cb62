import assert from "node:assert/strict";
import { parseIgnoreRules } from "../../../sandbox/images/ignore.ts";

describe("a .dockerignore", () => {
  for (const [rules, path, excluded] of [
    ["node_modules", "node_modules/a/b.js", true],
    ["node_modules", "apps/node_modules/a.js", false],
    ["**/node_modules", "apps/x/node_modules/a.js", true],
    ["**/node_modules", "node_modules/a.js", true],
    ["/dist/", "dist/main.js", true],
    ["*.md", "README.md", true],
    ["*.md", "docs/README.md", false],
    ["docs/**/*.md", "docs/a/b/c.md", true],
    ["docs/**/*.md", "docs/c.md", true],
    ["?.txt", "a.txt", true],
    ["?.txt", "ab.txt", false],
    ["[a-c].txt", "b.txt", true],
    ["[!a-c].txt", "b.txt", false],
    ["# comment\n\n.git", ".git/config", true],
    ["a.b", "axb", false],
    ["*\n!keep", "keep/x", false],
    ["*\n!keep", "other/x", true],
    ["!keep\n*", "keep/x", true],
    ["docs\n!docs/README.md", "docs/README.md", false],
    ["docs\n!docs/README.md", "docs/other.md", true],
  ] as const) {
    it(`${excluded ? "excludes" : "keeps"} ${path} by ${JSON.stringify(rules)}`, () => {
      assert.equal(parseIgnoreRules(rules).excludes(path), excluded);
    });
  }

  it("knows in which excluded folders something may come back", () => {
    const rules = parseIgnoreRules("docs\nnode_modules\n!docs/a/README.md");
    assert.ok(rules.mayReinclude("docs"));
    assert.ok(rules.mayReinclude("docs/a"));
    assert.ok(!rules.mayReinclude("node_modules"));
    assert.ok(parseIgnoreRules("*\n!**/*.js").mayReinclude("anything"));
  });
});
