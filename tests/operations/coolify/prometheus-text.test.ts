import assert from "node:assert/strict";
import { parsePrometheusText } from "../../../operations/coolify/prometheus-text.ts";

describe("Prometheus text", () => {
  it("is read line by line, with labels, escapes, times and special values", () => {
    const text = [
      "# HELP http_requests_total HTTP requests answered.",
      "# TYPE http_requests_total counter",
      'http_requests_total{method="GET",route="/",status="200"} 1027 1395066363000',
      'http_requests_total { method = "POST" , route="/a\\"b\\\\c\\nd{}", } 3e2',
      "",
      "process_open_fds 17",
      "up -Inf",
      "some:ratio NaN",
    ].join("\n");
    assert.deepEqual(parsePrometheusText(text), [
      { name: "http_requests_total", labels: { method: "GET", route: "/", status: "200" }, value: 1027 },
      { name: "http_requests_total", labels: { method: "POST", route: '/a"b\\c\nd{}' }, value: 300 },
      { name: "process_open_fds", labels: {}, value: 17 },
      { name: "up", labels: {}, value: -Infinity },
      { name: "some:ratio", labels: {}, value: NaN },
    ]);
  });

  for (const line of ["<!doctype html>", "name", 'name{a="b} 1', "name{a=b} 1", "name 1x", "1name 1"]) {
    it(`is not ${line}`, () => {
      assert.throws(() => parsePrometheusText(`up 1\n${line}\n`), {
        name: "SyntaxError",
        message: `line 2 is no sample: ${line}`,
      });
    });
  }
});
