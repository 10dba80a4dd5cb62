import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { configurationExample, readConfiguration } from "../../examples/affexai/apps/frontend/server/configuration.ts";
import { workloadRoot } from "../../sandbox/workload/sources.ts";

const right = { BACKEND_URL: "http://api.affexai.localhost:7300", PUBLIC_API_URL: "https://api.affexai.com" };

describe("the configuration of the workload's frontend", () => {
  it("fills in what is optional", () => {
    assert.deepEqual(readConfiguration({ ...right, DRAIN_SECONDS: "" }), {
      ...right,
      HOST: "0.0.0.0",
      PORT: "9003",
      AFFEXAI_IMAGE_DIGEST: "",
      DRAIN_READY_SECONDS: "3",
      DRAIN_SECONDS: "5",
      DRAIN_LIMIT_SECONDS: "10",
    });
  });

  it("is refused with every problem at once", () => {
    const wrong = { BACKEND_URL: "api.affexai.com", PORT: "http", DRAIN_SECONDS: "5s", AFFEXAI_IMAGE_DIGEST: "latest" };
    assert.throws(() => readConfiguration(wrong), {
      message:
        "The configuration has 5 problem(s); .env.example describes every variable.\n" +
        "  PORT must be a port\n" +
        "  BACKEND_URL must be http(s)://<host>, without a path\n" +
        "  PUBLIC_API_URL is missing\n" +
        "  AFFEXAI_IMAGE_DIGEST must be sha256:<64 hex digits>\n" +
        "  DRAIN_SECONDS must be a whole number of seconds",
    });
  });

  it("is described by .env.example, which says what the code says", async () => {
    const example = await readFile(join(workloadRoot, "apps/frontend/.env.example"), "utf8");
    assert.equal(example, configurationExample(), "run `npm run env:example` in examples/affexai");
  });
});
