import assert from "node:assert/strict";
import { whyNoContainers } from "../../../sandbox/docker/why-no-containers.ts";

describe("whether containers can be made here", () => {
  it("is answered with a reason where control groups cannot be written", async () => {
    const why = await whyNoContainers("/proc/nowhere");
    assert.match(
      why ?? "",
      /\/proc\/nowhere cannot be written here|namespaces cannot be made here|needs Linux and root/,
    );
  });
});
