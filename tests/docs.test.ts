import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "..");

describe("docs/failure-cases.md", () => {
  it("names a test that there is for each case", async () => {
    const text = await readFile(join(root, "docs", "failure-cases.md"), "utf8");
    const rows = text.split("\n").filter((line) => line.startsWith("| ") && !/^\| (case|-+) /.test(line));
    assert.ok(rows.length > 20);
    const wrong: string[] = [];
    for (const row of rows) {
      const [, file, title] = /\| `(tests\/[^`]+\.test\.ts)`: "([^"]+)" +\|$/.exec(row) ?? [];
      const source = file === undefined ? "" : await readFile(join(root, file), "utf8").catch(() => "");
      if (title === undefined || !source.includes(title)) wrong.push(row);
    }
    assert.deepEqual(wrong, []);
  });
});
