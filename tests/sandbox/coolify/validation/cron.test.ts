import assert from "node:assert/strict";
import { isFrequency } from "../../../../sandbox/coolify/validation/cron.ts";

describe("a schedule", () => {
  for (const good of ["hourly", "@daily", "*/5 * * * *", "0 3 * * 1-5", "15,45 0-6 1 jan mon", "0 0 1 1 7"]) {
    it(`accepts ${good}`, () => assert.equal(isFrequency(good), true));
  }
  for (const bad of ["", "sometimes", "* * * *", "60 * * * *", "* 24 * * *", "*/0 * * * *", "0 0 32 * *"]) {
    it(`refuses "${bad}"`, () => assert.equal(isFrequency(bad), false));
  }
});
