import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { freePort } from "../../../sandbox/processes/free-port.ts";
import { isRunning } from "../../../sandbox/processes/process-table.ts";
import { claimRecord, readRecord, stopLeftovers } from "../../../sandbox/supervisor/record.ts";
import type { Service } from "../../../sandbox/supervisor/service-process.ts";
import { supervise, type SupervisorEvent } from "../../../sandbox/supervisor/supervise.ts";

const serviceScript = resolve(import.meta.dirname, "../../../sandbox/service.ts");
const host = "127.0.0.1";

describe("the sandbox's supervisor", () => {
  let folder = "";
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "affexai-supervisor-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function registry(name: string, after: readonly string[] = []): Promise<Service> {
    const port = await freePort(host);
    return {
      name,
      after,
      program: [serviceScript, "registry"],
      options: { host, port, dir: join(folder, name), username: "affexai", password: "s3cret-of-registry" },
      url: `http://${host}:${port}`,
      log: join(folder, `${name}.log`),
    };
  }

  /** Supervises in this process until `until` says so of an event, or until it fails. */
  async function superviseUntil(
    services: readonly Service[],
    until: (event: SupervisorEvent) => boolean | Promise<boolean>,
  ) {
    const stop = new AbortController();
    const events: SupervisorEvent[] = [];
    const tell = async (event: SupervisorEvent) => {
      events.push(event);
      if (await until(event)) stop.abort();
    };
    const asAsked = await supervise({ services, folder, signal: stop.signal, tell: (event) => void tell(event) });
    return { asAsked, events };
  }

  it("starts services in their order, says when each answers, and stops them all", async () => {
    const first = await registry("first");
    const second = await registry("second", ["first"]);
    let seen: Awaited<ReturnType<typeof readRecord>> = null;
    const { asAsked, events } = await superviseUntil([second, first], async ({ kind }) => {
      if (kind !== "up") return false;
      assert.equal((await fetch(`${first.url}/v2/`)).status, 401);
      seen = await readRecord(folder);
      return true;
    });
    assert.equal(asAsked, true);
    assert.deepEqual(events, [
      { kind: "ready", service: "first", url: first.url },
      { kind: "ready", service: "second", url: second.url },
      { kind: "up" },
    ]);
    const record = seen as Awaited<ReturnType<typeof readRecord>>;
    assert.equal(record?.state, "up");
    assert.deepEqual(
      record.services.map(({ name, ready }) => [name, ready]),
      [
        ["first", true],
        ["second", true],
      ],
    );
    assert.deepEqual(await Promise.all(record.services.map(({ process }) => isRunning(process))), [false, false]);
    assert.equal((await readRecord(folder))?.state, "stopped");
  });

  it("hands options over where nobody else can read them", async () => {
    const service = await registry("only");
    await superviseUntil([service], async ({ kind }) => {
      if (kind !== "up") return false;
      const pid = (await readRecord(folder))?.services[0]?.process.pid;
      if (process.platform === "linux") {
        assert.ok(!(await readFile(`/proc/${pid}/cmdline`, "utf8")).includes("s3cret-of-registry"));
        assert.ok(!(await readFile(`/proc/${pid}/environ`, "utf8")).includes("s3cret-of-registry"));
      }
      assert.ok(!(await readFile(join(folder, "supervisor.json"), "utf8")).includes("s3cret-of-registry"));
      return true;
    });
  });

  it("stops everything, and says what the service said, when one cannot start", async () => {
    const good = await registry("good");
    const bad = await registry("bad", ["good"]);
    const occupant = createServer().listen(Number(new URL(bad.url).port), host);
    await once(occupant, "listening");
    try {
      const { asAsked, events } = await superviseUntil([good, bad], () => false);
      assert.equal(asAsked, false);
      const failure = events.at(-1);
      assert.ok(failure?.kind === "failed");
      assert.match(
        failure.reason,
        /^bad ended before it was ready: exit code 1\.[^]*EADDRINUSE[^]*Its log: .*bad\.log$/,
      );
      await assert.rejects(fetch(good.url));
      assert.equal((await readRecord(folder))?.state, "failed");
    } finally {
      occupant.close();
    }
  });

  it("stops everything when a service dies by itself", async () => {
    const first = await registry("first");
    const second = await registry("second");
    const { asAsked, events } = await superviseUntil([first, second], async ({ kind }) => {
      if (kind !== "up") return false;
      const victim = (await readRecord(folder))?.services.find(({ name }) => name === "second");
      assert.ok(victim !== undefined);
      process.kill(victim.process.pid, "SIGKILL");
      return false;
    });
    assert.equal(asAsked, false);
    assert.match(JSON.stringify(events.at(-1)), /second ended by itself: SIGKILL/);
    await assert.rejects(fetch(first.url));
  });

  it("starts one with `restart` again when it dies, and leaves the others alone", async () => {
    const first = await registry("first");
    const second = { ...(await registry("second")), restart: true };
    // Both start at once, so either may be recorded before the other.
    const pids = async () => {
      const { services = [] } = (await readRecord(folder)) ?? {};
      return Object.fromEntries(services.map(({ name, process: { pid } }) => [name, pid]));
    };
    let before: Record<string, number> = {};
    let after: Record<string, number> = {};
    const { asAsked, events } = await superviseUntil([first, second], async (event) => {
      if (event.kind === "up") {
        before = await pids();
        process.kill(before["second"] ?? 0, "SIGKILL");
      }
      if (before["second"] === undefined || event.kind !== "ready") return false;
      after = await pids();
      return (await fetch(`${second.url}/v2/`)).status === 401;
    });
    assert.equal(asAsked, true);
    assert.deepEqual(events.slice(-2), [
      { kind: "restarting", service: "second", reason: "SIGKILL" },
      { kind: "ready", service: "second", url: second.url },
    ]);
    assert.equal(after["first"], before["first"]);
    assert.notEqual(after["second"], before["second"]);
    await assert.rejects(fetch(second.url));
  });

  it("gives up on a service that does not get ready, with the end of its log", async () => {
    const silent: Service = {
      name: "silent",
      after: [],
      program: [join(import.meta.dirname, "silent-service.ts")],
      options: {},
      url: `http://${host}:1`,
      log: join(folder, "silent.log"),
      readyWithinMs: 1500,
    };
    const { asAsked, events } = await superviseUntil([silent], () => false);
    assert.equal(asAsked, false);
    assert.match(JSON.stringify(events.at(-1)), /silent was not ready within 1\.5 s\.\\nstill warming up/);
  });

  it("leaves nothing behind when it is killed with -9: its services stop by themselves", async () => {
    const services = [await registry("first"), await registry("second")];
    const supervisor = fork(join(import.meta.dirname, "supervisor-process.ts"), {
      stdio: ["pipe", "inherit", "inherit", "ipc"],
    });
    supervisor.stdin?.end(JSON.stringify({ folder, services }));
    await new Promise<void>((resolve) => {
      supervisor.on("message", (event: SupervisorEvent) => event.kind === "up" && resolve());
    });
    supervisor.kill("SIGKILL");
    await once(supervisor, "exit");
    const record = await readRecord(folder);
    assert.equal(record?.state, "up");
    await stopLeftovers(record);
    assert.deepEqual(await Promise.all(record.services.map(({ process }) => isRunning(process))), [false, false]);
    // Its folder can be claimed again.
    await superviseUntil([await registry("third")], ({ kind }) => kind === "up");
  });

  it("refuses a folder on which another supervisor runs, and says which", async () => {
    await superviseUntil([await registry("only")], async ({ kind }) => {
      if (kind !== "up") return false;
      const record = await readRecord(folder);
      assert.ok(record !== null);
      await assert.rejects(claimRecord(folder, record), {
        name: "OperationError",
        message: new RegExp(`a supervisor runs on .* already \\(up, process ${process.pid}, since ${record.since}\\)`),
      });
      return true;
    });
  });
});
