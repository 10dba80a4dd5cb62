import assert from "node:assert/strict";
import { defaultColumns, type ApplicationColumns } from "../../../../sandbox/coolify/application-columns.ts";
import { healthCheck } from "../../../../sandbox/coolify/deployments/health-command.ts";

const columns = (changes: Partial<ApplicationColumns>): ApplicationColumns => ({
  ...defaultColumns("shop", 0),
  health_check_enabled: true,
  ports_exposes: "3000",
  ...changes,
});

describe("the health section of a container", () => {
  it("asks with curl, else wget, and takes times in seconds", () => {
    const check = healthCheck(columns({ health_check_host: "127.0.0.1", health_check_path: "/health/ready" }));
    assert.deepEqual(check?.config, {
      Test: [
        "CMD-SHELL",
        "curl -s -X 'GET' -f 'http://127.0.0.1:3000/health/ready' > /dev/null || wget -q -O- 'http://127.0.0.1:3000/health/ready' > /dev/null || exit 1",
      ],
      Interval: 5_000_000_000,
      Timeout: 5_000_000_000,
      Retries: 10,
      StartPeriod: 5_000_000_000,
    });
    assert.equal(check.spoken, "GET: http://127.0.0.1:3000/health/ready");
  });

  it("is missing when switched off, and when there is no port to ask", () => {
    assert.equal(healthCheck(columns({ health_check_enabled: false })), undefined);
    assert.equal(healthCheck(columns({ ports_exposes: null })), undefined);
  });

  it("prefers the health port to the exposed one", () => {
    assert.match(healthCheck(columns({ health_check_port: "9000" }))?.spoken ?? "", /:9000\/$/);
  });

  it("runs a command of its own", () => {
    const check = healthCheck(columns({ health_check_type: "cmd", health_check_command: "node check.mjs" }));
    assert.deepEqual(check?.config.Test, ["CMD-SHELL", "node check.mjs"]);
  });
});
