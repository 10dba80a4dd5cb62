import assert from "node:assert/strict";
import { answersIn, judgeCanary, type Answers } from "../../../operations/coolify/canary.ts";

const canary = { holdSeconds: 60, metricsPath: "/metrics", maxErrorRatio: 0.01, maxLatencyRatio: 3, minRequests: 50 };

function answers(requests: number, errors = 0, meanSeconds = 0.02): Answers {
  return { requests, errors, seconds: requests * meanSeconds, timed: requests };
}

describe("a canary", () => {
  for (const [what, fresh, old, kind] of [
    ["as good as the others", answers(100), answers(100), "good"],
    ["with as many errors more as are allowed", answers(100, 3), answers(100, 2), "good"],
    ["with more errors than that", answers(100, 4), answers(100, 2), "errors"],
    ["with fewer errors than the others", answers(100, 0), answers(100, 50), "good"],
    ["slower than allowed", answers(100, 0, 0.31), answers(100, 0, 0.1), "slow"],
    ["as slow as allowed", answers(100, 0, 0.3), answers(100, 0, 0.1), "good"],
    ["many times slower where nobody notices", answers(100, 0, 0.05), answers(100, 0, 0.001), "good"],
    ["that nobody asked", answers(49), answers(100), "unknown"],
    ["with nobody to compare with", answers(100, 100), answers(49), "unknown"],
    ["whose counts went down", answers(-5), answers(100), "restarted"],
  ] as const) {
    it(`${what} is ${kind}`, () => {
      assert.equal(judgeCanary(canary, fresh, old).kind, kind);
    });
  }

  it("is judged in words with both figures", () => {
    assert.equal(
      judgeCanary(canary, answers(100, 4, 0.031), answers(200, 2, 0.02)).text,
      "4.0 % of the new one's answers were 5xx, 1.0 % of the old ones'; its answers took 31.0 ms in the mean, " +
        "the old ones' 20.0 ms (100 answers of the new one, 200 of the old): more than 1.0 % above",
    );
    assert.equal(
      judgeCanary(canary, answers(3), answers(4)).text,
      "too few requests to judge: 3 answers of the new one, 4 of the old, 50 needed of each",
    );
  });

  it("is counted without the routes that probes ask", () => {
    const text = [
      'http_requests_total{method="GET",route="/",status="200"} 10',
      'http_requests_total{method="GET",route="/",status="502"} 2',
      'http_requests_total{method="GET",route="/health/ready",status="503"} 100',
      'http_request_duration_seconds_sum{method="GET",route="/",status="200"} 1.5',
      'http_request_duration_seconds_sum{method="GET",route="/health/ready",status="503"} 50',
      'http_request_duration_seconds_count{method="GET",route="/",status="200"} 12',
    ].join("\n");
    assert.deepEqual(answersIn(text, new Set(["/health/ready"])), { requests: 12, errors: 2, seconds: 1.5, timed: 12 });
  });

  it("that has answered nobody yet has counted nothing, and one without the figure is refused", () => {
    const none = { requests: 0, errors: 0, seconds: 0, timed: 0 };
    assert.deepEqual(answersIn("# TYPE http_requests_total counter\n", new Set()), none);
    assert.throws(() => answersIn("up 1\n", new Set()), /no http_requests_total in them/);
  });
});
