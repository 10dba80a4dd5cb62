import assert from "node:assert/strict";
import { once } from "node:events";
import { chmod, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Docker from "dockerode";
import { execa } from "execa";
import type { Progress } from "../../../operations/progress.ts";
import type { Context } from "../../../operations/verb.ts";
import { freePorts } from "../../../sandbox/processes/free-port.ts";
import { identify, isRunning, type ProcessIdentity } from "../../../sandbox/processes/process-table.ts";
import { stopProcess } from "../../../sandbox/processes/stop.ts";
import { readRecord } from "../../../sandbox/supervisor/record.ts";
import { serviceNames } from "../../../sandbox/supervisor/sandbox.ts";
import { sandboxDown } from "../../../sandbox/verbs/down.ts";
import { sandboxEnvironment } from "../../../sandbox/verbs/environment.ts";
import { describeStatus, sandboxStatus } from "../../../sandbox/verbs/status.ts";
import { sandboxUp } from "../../../sandbox/verbs/up.ts";

describe("the whole sandbox", function () {
  this.timeout(240_000);
  let folder = "";
  let env: Record<string, string | undefined> = {};
  const notes: string[] = [];
  const progress: Progress = { step: (_title, work) => work(progress), note: (text) => void notes.push(text) };
  const context = (signal = new AbortController().signal): Context => ({ env, progress, signal });

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "affexai-sandbox-"));
    await chmod(folder, 0o755);
    env = {
      ...process.env,
      AFFEXAI_SANDBOX_DIR: folder,
      AFFEXAI_SANDBOX_PORT: `${await freePorts("127.0.0.1", serviceNames.length)}`,
    };
  });
  after(async () => {
    await sandboxDown(context());
    await rm(folder, { recursive: true });
  });

  async function serviceProcesses(): Promise<ProcessIdentity[]> {
    return (await readRecord(folder))?.services.map(({ process }) => process) ?? [];
  }

  /** A Redis in a container that Docker would restart; returns its process. */
  async function startContainer(): Promise<ProcessIdentity> {
    const { hostname: host, port } = new URL(
      (await sandboxStatus(env)).services.find(({ name }) => name === "containers")?.url ?? "",
    );
    const docker = new Docker({ host, port: Number(port), protocol: "http" });
    // As `docker pull`: the answer is a stream of progress that ends with the pull.
    await once((await docker.createImage({ fromImage: "redis", tag: "7-alpine" })).resume(), "end");
    const container = await docker.createContainer({
      name: "cache",
      Image: "redis:7-alpine",
      HostConfig: { RestartPolicy: { Name: "unless-stopped" } },
    });
    await container.start();
    const identity = await identify((await container.inspect()).State.Pid);
    assert.ok(identity !== null);
    return identity;
  }

  it("comes up with every service, and says so", async () => {
    const status = await sandboxUp(context());
    assert.equal(status.state, "up");
    assert.deepEqual(status.services.map(({ name }) => name).sort(), [...serviceNames].sort());
    assert.ok(status.services.every(({ ready }) => ready));
    for (const service of serviceNames)
      assert.ok(notes.some((note) => note.startsWith(`${service} answers at http://127.0.0.1:`)));
    assert.match(describeStatus(status), /^The sandbox is up since .*\n[^]*coolify +ready +http:\/\/127\.0\.0\.1:\d+/);
  });

  it("says since when it runs, and as which process, when it is brought up again", async () => {
    notes.length = 0;
    const { since, pid } = await sandboxStatus(env);
    const again = await sandboxUp(context());
    assert.equal(again.pid, pid);
    assert.deepEqual(notes, [`It is up already, since ${since} (process ${pid}).`]);
  });

  it("has a stack for plain pulumi, and making it changed no file of the repository", async () => {
    const before = await readFile("Pulumi.sandbox.yaml", "utf8");
    const { stdout } = await execa("pulumi", ["stack", "ls", "--json"], { env: await sandboxEnvironment(env) });
    assert.deepEqual(
      (JSON.parse(stdout) as { name: string }[]).map(({ name }) => name),
      ["sandbox"],
    );
    assert.equal(await readFile("Pulumi.sandbox.yaml", "utf8"), before);
    await execa("git", ["diff", "--quiet", "HEAD", "--", "Pulumi.sandbox.yaml"]);
  });

  it("has plain pulumi configure the stack with its own ports", async () => {
    const { stdout } = await execa("pulumi", ["config", "get", "--path", "routes.publicPort", "--stack", "sandbox"], {
      env: await sandboxEnvironment(env),
    });
    assert.equal(stdout, env["AFFEXAI_SANDBOX_PORT"]);
  });

  it("refuses the ports to a second sandbox elsewhere, by number, and leaves the first alone", async () => {
    const other = { ...env, AFFEXAI_SANDBOX_DIR: join(folder, "other") };
    await assert.rejects(
      sandboxUp({ ...context(), env: other }),
      new RegExp(`Port ${env["AFFEXAI_SANDBOX_PORT"]} .* is taken`),
    );
    assert.equal((await sandboxStatus(env)).state, "up");
  });

  it("shows its containers, and stops them with everything else after a kill -9 of the supervisor", async () => {
    const container = await startContainer();
    const { containers, pid } = await sandboxStatus(env);
    assert.deepEqual(
      containers.map(({ name, state }) => [name, state]),
      [["cache", "running"]],
    );
    const services = await serviceProcesses();
    assert.ok(pid !== null);
    const supervisor = await identify(pid);
    assert.ok(supervisor !== null);
    await stopProcess(supervisor, [{ signal: "SIGKILL", withinMs: 5000 }]);
    assert.match(
      describeStatus(await sandboxStatus(env)),
      /The supervisor was killed\. .*sandbox up or down cleans up/,
    );
    await sandboxDown(context());
    for (const identity of [container, ...services]) assert.equal(await isRunning(identity), false);
    assert.equal((await sandboxStatus(env)).state, "down");
  });

  it("comes up again after that, with the container that Docker would start again, and goes down without a trace", async () => {
    const status = await sandboxUp(context());
    assert.deepEqual(
      status.containers.map(({ name, state }) => [name, state]),
      [["cache", "running"]],
    );
    const services = await serviceProcesses();
    await sandboxDown(context());
    for (const identity of services) assert.equal(await isRunning(identity), false);
    assert.equal((await sandboxStatus(env)).state, "down");
  });

  it("starts once when two bring it up at once, and the other is told which process does", async () => {
    const up = () => execa(process.execPath, ["operations/cli.ts", "sandbox", "up"], { env, reject: false });
    const outcomes = await Promise.all([up(), up()]);
    const { state, pid, services } = await sandboxStatus(env);
    assert.equal(state, "up", outcomes.map(({ stderr }) => stderr).join("\n"));
    assert.ok(services.every(({ ready }) => ready));
    assert.ok(outcomes.some(({ exitCode }) => exitCode === 0));
    // Whoever was late found it up, or was refused by the other's ports or record.
    for (const { exitCode, stderr } of outcomes) {
      if (exitCode !== 0) assert.match(stderr, new RegExp(`process ${pid}|is taken|EADDRINUSE`));
    }
    await sandboxDown(context());
  });

  it("leaves nothing running when the start is cut off", async () => {
    const abort = new AbortController();
    const cutOff: Progress = {
      step: (_title, work) => work(cutOff),
      note: () => abort.abort(),
    };
    await assert.rejects(sandboxUp({ env, progress: cutOff, signal: abort.signal }), /the supervisor ended/);
    assert.deepEqual(await serviceProcesses(), []);
    assert.equal((await sandboxStatus(env)).state, "down");
  });
});
