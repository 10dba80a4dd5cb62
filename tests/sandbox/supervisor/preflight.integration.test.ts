import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { freePorts } from "../../../sandbox/processes/free-port.ts";
import { identify } from "../../../sandbox/processes/process-table.ts";
import { checkMachine, diskSpace } from "../../../sandbox/supervisor/preflight.ts";
import { writeRecord } from "../../../sandbox/supervisor/record.ts";
import { addressOf, describeSandbox, serviceNames } from "../../../sandbox/supervisor/sandbox.ts";

describe("the check before the sandbox starts", () => {
  let folder = "";
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "affexai-preflight-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it("names every port that is taken, what it is for, and what to do", async () => {
    const base = await freePorts("127.0.0.1", serviceNames.length);
    const sandbox = describeSandbox({ AFFEXAI_SANDBOX_DIR: folder, AFFEXAI_SANDBOX_PORT: `${base}` });
    const occupants = [sandbox.ports.coolify, sandbox.ports.registry].map((port) =>
      createServer().listen(port, "127.0.0.1"),
    );
    try {
      await Promise.all(occupants.map((occupant) => once(occupant, "listening")));
      await assert.rejects(checkMachine(sandbox), {
        message: new RegExp(
          `Port ${sandbox.ports.coolify} on 127\\.0\\.0\\.1, for coolify, is taken.*Port ${sandbox.ports.registry} .*for registry.*AFFEXAI_SANDBOX_PORT`,
        ),
      });
    } finally {
      for (const occupant of occupants) occupant.close();
    }
    await checkMachine(sandbox);
  });

  it("names another sandbox of this repository once for all its ports, with the command that stops it", async () => {
    const base = await freePorts("127.0.0.1", serviceNames.length);
    const sandbox = describeSandbox({ AFFEXAI_SANDBOX_DIR: folder, AFFEXAI_SANDBOX_PORT: `${base}` });
    const running = join(folder, "sandboxes", "demo");
    const self = await identify(process.pid);
    assert.ok(self !== null);
    const occupants = Object.values(sandbox.ports).map((port) => createServer().listen(port, "127.0.0.1"));
    try {
      await Promise.all(occupants.map((occupant) => once(occupant, "listening")));
      await writeRecord(running, {
        process: self,
        since: "2026-01-01T00:00:00.000Z",
        state: "up",
        services: serviceNames.map((name) => ({
          ...{ name, url: addressOf(sandbox, name), log: "", process: self, ready: true },
        })),
      });
      const place = relative(process.cwd(), running);
      await assert.rejects(checkMachine(sandbox, join(folder, "sandboxes")), {
        message:
          `sandbox up: The sandbox in ${place} runs on these ports since 2026-01-01T00:00:00.000Z (process ${process.pid}). ` +
          `Stop it (AFFEXAI_SANDBOX_DIR=${place} ./affexai sandbox down), or name the first of six free ports in AFFEXAI_SANDBOX_PORT.`,
      });
    } finally {
      for (const occupant of occupants) occupant.close();
    }
  });

  it("refuses a disk that is nearly full, with what it has and what is needed", async () => {
    const [problem] = await diskSpace(folder, async () => 1.5 * 1024 ** 3);
    assert.match(problem?.what ?? "", /has 1\.5 GiB left; the sandbox needs 3 GiB/);
    assert.deepEqual(await diskSpace(folder, async () => 3 * 1024 ** 3), []);
  });

  it("refuses a version of Coolify that is not played, with those that are", () => {
    assert.equal(describeSandbox({}).coolifyVersion, "4.4.7");
    assert.equal(describeSandbox({ AFFEXAI_SANDBOX_COOLIFY: "4.6.1" }).coolifyVersion, "4.6.1");
    for (const version of ["3.12", "4.9", "v4.4", "4.4-rc.1"]) {
      assert.throws(() => describeSandbox({ AFFEXAI_SANDBOX_COOLIFY: version }), /4\.1 to 4\.7/);
    }
  });

  it("refuses a base port that leaves no room, with the range", () => {
    for (const port of ["80", "65535", "7300.5", "many"]) {
      assert.throws(() => describeSandbox({ AFFEXAI_SANDBOX_PORT: port }), /whole number from 1024 to 65529/);
    }
  });
});
