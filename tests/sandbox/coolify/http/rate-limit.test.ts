import assert from "node:assert/strict";
import { limitHeaders, RateLimit } from "../../../../sandbox/coolify/http/rate-limit.ts";

describe("the rate limit", () => {
  it("counts down, refuses, and opens again a minute after the first hit", () => {
    let now = 1_000_000;
    const limit = new RateLimit(2, { now: () => now });
    assert.deepEqual(limitHeaders(limit.take("a")), { "X-RateLimit-Limit": "2", "X-RateLimit-Remaining": "1" });
    now += 10_000;
    assert.equal(limit.take("a").remaining, 0);
    assert.deepEqual(limitHeaders(limit.take("a")), {
      "X-RateLimit-Limit": "2",
      "X-RateLimit-Remaining": "0",
      "Retry-After": "50",
      "X-RateLimit-Reset": "1060",
    });
    assert.equal(limit.take("b").allowed, true);
    now += 50_000;
    assert.equal(limit.take("a").allowed, true);
  });
});
