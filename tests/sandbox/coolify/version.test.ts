import assert from "node:assert/strict";
import { Version } from "../../../sandbox/coolify/version.ts";

describe("a version of Coolify", () => {
  it("compares by numbers, not by text", () => {
    assert.equal(new Version("4.10.0").atLeast("4.9.2"), true);
    assert.equal(new Version("4.3.9").atLeast("4.3.21"), false);
    assert.equal(new Version("4.4").atLeast("4.4.0"), true);
  });

  it("refuses what is not a release", () => {
    assert.throws(() => new Version("v4.4-rc.1"), /expected 4.x or 4.x.y, got v4.4-rc.1/);
  });
});
