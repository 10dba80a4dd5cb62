import assert from "node:assert/strict";
import { stripVTControlCharacters } from "node:util";
import { lines } from "../../operations/progress-lines.ts";

describe("progress as lines", () => {
  function recorded() {
    const written: string[] = [];
    const progress = lines((line) => written.push(stripVTControlCharacters(line).replace(/\d+\.\d s/, "T s")));
    return { written, progress };
  }

  it("writes a line when a step begins and one when it ends, its notes and steps indented between them", async () => {
    const { written, progress } = recorded();
    const result = await progress.step("release", async (inner) => {
      inner.note("digest sha256:ab");
      return inner.step("backend", async () => 42);
    });
    assert.equal(result, 42);
    assert.deepEqual(written, ["· release", "  digest sha256:ab", "  · backend", "  ✓ backend T s", "✓ release T s"]);
  });

  it("marks a failed step and lets the error through", async () => {
    const { written, progress } = recorded();
    await assert.rejects(
      progress.step("release", async () => {
        throw new Error("no");
      }),
      { message: "no" },
    );
    assert.deepEqual(written, ["· release", "✗ release T s"]);
  });
});
