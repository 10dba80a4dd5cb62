import assert from "node:assert/strict";
import { parseRule, routingPath, type RequestFacts } from "../../../sandbox/proxy/rule.ts";

describe("rule", () => {
  const facts = (changed: Partial<RequestFacts> & { headers?: Record<string, string[]> } = {}): RequestFacts => ({
    host: "api.test",
    method: "GET",
    path: "/users/7",
    query: new URLSearchParams("page=2&sort="),
    clientAddress: "10.0.0.7",
    header: (name) => changed.headers?.[name] ?? [],
    ...changed,
  });
  const table: readonly [rule: string, matches: boolean, facts?: RequestFacts][] = [
    ["Host(`api.test`)", true],
    ["Host(`API.test`)", true],
    ["Host(`api.test.`)", true],
    ["Host(`test`)", false],
    ['Host("api.test")', true],
    ["HostRegexp(`^[a-z]+\\.test$`)", true],
    ["HOST(`api.test`) && pathprefix(`/users`)", true],
    ["Path(`/users`)", false],
    ["PathRegexp(`^/users/\\d+$`)", true],
    ["Method(`get`)", true],
    ["Header(`X-Replica`, `two`)", true, facts({ headers: { "x-replica": ["one", "two"] } })],
    ["Header(`X-Replica`, `tw`)", false, facts({ headers: { "x-replica": ["two"] } })],
    ["HeaderRegexp(`X-Replica`, `^t`)", true, facts({ headers: { "x-replica": ["two"] } })],
    ["Query(`page`, `2`)", true],
    ["Query(`sort`)", true],
    ["QueryRegexp(`page`, `^\\d$`)", true],
    ["ClientIP(`10.0.0.0/24`)", true],
    ["ClientIP(`10.0.1.0/24`)", false],
    ["!Host(`other.test`)", true],
    ["!(Host(`api.test`) || Method(`POST`))", false],
    ["!!Host(`api.test`)", true],
    ["Host(`api.test`) || Host(`b.test`) && Method(`POST`)", true],
    ["(Host(`api.test`) || Host(`b.test`)) && Method(`POST`)", false],
    ["Method(`POST`) && Host(`b.test`) || Host(`api.test`)", true],
  ];
  for (const [rule, expected, given] of table) {
    it(`${rule} ${expected ? "matches" : "does not match"}`, () => {
      assert.equal(parseRule(rule)(given ?? facts()), expected);
    });
  }

  for (const rule of [
    "",
    "Host(`a.test`",
    "Host()",
    "Host(``)",
    "Host(`a`, `b`)",
    "Header(`a`)",
    "Path(`users`)",
    "Hots(`a.test`)",
    "Host(`a.test`) Host(`b.test`)",
    "Host(`a.test`) &&",
    "Host(a.test)",
    "Host(`a.test`) & Host(`b.test`)",
    "HostRegexp(`[`)",
  ]) {
    it(`refuses ${rule === "" ? "an empty rule" : rule}`, () => {
      assert.throws(() => parseRule(rule), Error);
    });
  }

  it("sees a path with percent-encoding undone, except of reserved characters", () => {
    assert.equal(routingPath("/foo%20bar/%C3%BC%2Fx%25"), "/foo bar/ü%2Fx%25");
    assert.equal(routingPath("/plain"), "/plain");
  });
});
