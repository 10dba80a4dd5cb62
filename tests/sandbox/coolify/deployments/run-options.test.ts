import assert from "node:assert/strict";
import { bytes, runOptions } from "../../../../sandbox/coolify/deployments/run-options.ts";

describe("custom docker run options", () => {
  it("reads what Coolify understands", () => {
    assert.deepEqual(runOptions("--init --cap-drop=ALL --ulimit nofile=1024:2048 --shm-size 1g --hostname=web-1"), {
      hostConfig: {
        Init: true,
        CapDrop: ["ALL"],
        Ulimits: [{ Name: "nofile", Soft: 1024, Hard: 2048 }],
        ShmSize: 1024 ** 3,
      },
      hostname: "web-1",
    });
  });

  it("drops what Coolify drops without a word", () => {
    assert.deepEqual(runOptions("--read-only --tmpfs /tmp --user 1000"), { hostConfig: {} });
  });

  it("cuts values at the first hyphen", () => {
    assert.deepEqual(runOptions("--security-opt no-new-privileges").hostConfig, { SecurityOpt: ["no"] });
  });

  it("reads docker's sizes", () => {
    assert.deepEqual(["0", "512m", "1.5g", "10"].map(bytes), [0, 512 * 1024 ** 2, 1.5 * 1024 ** 3, 10]);
  });
});
