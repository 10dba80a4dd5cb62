import assert from "node:assert/strict";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type Docker from "dockerode";
import { addImage, openEngine, until, webServer, type TestEngine } from "./fixture.ts";

describe("container engine", () => {
  let engine: TestEngine;

  beforeEach(async () => {
    engine = await openEngine();
    await addImage(
      engine,
      "web:1",
      { "main.mjs": webServer },
      { ExposedPorts: { "3000/tcp": {} }, Labels: { from: "image" } },
    );
  });
  afterEach(() => engine.remove());

  async function run(name: string, options: Docker.ContainerCreateOptions = {}): Promise<Docker.Container> {
    const container = await engine.docker.createContainer({ name, Image: "web:1", ...options });
    await container.start();
    return container;
  }

  async function addressOf(container: Docker.Container): Promise<string> {
    const { NetworkSettings } = await container.inspect();
    return Object.values(NetworkSettings.Networks)[0]?.IPAddress ?? "";
  }

  async function serves(
    container: Docker.Container,
    path = "/",
  ): Promise<{ name: string; pid: number; status: number }> {
    const address = await addressOf(container);
    return until(`an answer of ${address}`, async () => {
      const response = await fetch(`http://${address}:3000${path}`, { headers: { connection: "close" } });
      return { ...((await response.json()) as { name: string; pid: number }), status: response.status };
    });
  }

  const state = async (container: Docker.Container) => (await container.inspect()).State;

  /** Collects the engine's events. */
  async function listen(filters: Record<string, string[]> = { type: ["container"] }) {
    const stream = (await engine.docker.getEvents({ filters })) as NodeJS.ReadableStream & { destroy(): void };
    const events: { Action: string; Actor: { ID: string; Attributes: Record<string, string> }; timeNano: number }[] =
      [];
    // The engine's end cuts it off.
    stream.on("error", () => undefined);
    createInterface({ input: stream }).on("line", (line) => events.push(JSON.parse(line) as (typeof events)[number]));
    return { events, actions: () => events.map(({ Action }) => Action), close: () => stream.destroy() };
  }

  it("runs an image's command as a process with an address of its own", async () => {
    const first = await run("first", { Env: ["NAME=one"] });
    const second = await run("second", { Env: ["NAME=two"] });
    // Both listen on port 3000 of every interface: what network namespaces are for.
    assert.equal((await serves(first)).name, "one");
    assert.equal((await serves(second)).name, "two");
    assert.notEqual(await addressOf(first), await addressOf(second));
    assert.match(await addressOf(first), /^127\.77\.\d+\.\d+$/);
  });

  it("shows a container as Docker does", async () => {
    const container = await run("shown", {
      Labels: { own: "1" },
      Env: ["NAME=x"],
      HostConfig: { RestartPolicy: { Name: "unless-stopped" } },
    });
    const { pid } = await serves(container);
    const seen = await container.inspect();
    assert.equal(seen.Name, "/shown");
    assert.equal(seen.State.Pid, pid);
    assert.equal(seen.State.Status, "running");
    assert.equal(seen.State.Health, undefined);
    assert.deepEqual(seen.Config.Labels, { from: "image", own: "1" });
    assert.deepEqual(seen.NetworkSettings.Ports, { "3000/tcp": null });
    assert.equal(seen.HostConfig.RestartPolicy?.Name, "unless-stopped");
    const [listed, ...others] = await engine.docker.listContainers();
    assert.equal(others.length, 0);
    assert.deepEqual(listed?.Names, ["/shown"]);
    assert.equal(listed?.State, "running");
    assert.match(listed?.Status ?? "", /^Up \d+ seconds$/);
  });

  it("stops with SIGTERM and keeps the program's own exit code", async () => {
    const container = await run("graceful", { Env: ["GRACEFUL=1"] });
    await serves(container);
    const { actions, close } = await listen();
    await container.stop({ t: 10 });
    const { ExitCode, Status, Running } = await state(container);
    assert.deepEqual({ ExitCode, Status, Running }, { ExitCode: 0, Status: "exited", Running: false });
    await until("the stop event", async () => actions().includes("stop"));
    assert.deepEqual(actions(), ["kill", "die", "stop"]);
    close();
    await assert.rejects(container.stop(), { statusCode: 304 });
  });

  it("kills with 137 what does not end within the grace period", async () => {
    const container = await run("stubborn", { Env: ["STUBBORN=1"] });
    await serves(container);
    const begun = Date.now();
    await container.stop({ t: 1 });
    const took = Date.now() - begun;
    assert.ok(took >= 1000 && took < 5000, `${took} ms`);
    assert.equal((await state(container)).ExitCode, 137);
  });

  it("lets process 1 ignore a signal that it does not handle, unless it runs under an init process", async () => {
    const bare = await run("bare");
    await serves(bare);
    await bare.stop({ t: 1 });
    assert.equal((await state(bare)).ExitCode, 137);
    const init = await run("init", { HostConfig: { Init: true } });
    await serves(init);
    await init.stop({ t: 10 });
    assert.equal((await state(init)).ExitCode, 143);
  });

  it("restarts what exits, with Docker's growing delay, until it is stopped by request", async () => {
    const { events, close } = await listen();
    const container = await run("crashing", {
      Cmd: ["node", "-e", "process.exit(7)"],
      HostConfig: { RestartPolicy: { Name: "unless-stopped" } },
    });
    await until("a wait after three restarts", async () => {
      const { RestartCount, State } = await container.inspect();
      return RestartCount >= 3 && State.Status === "restarting";
    });
    await container.stop();
    const { Status, ExitCode } = await state(container);
    assert.deepEqual({ Status, ExitCode }, { Status: "exited", ExitCode: 7 });
    const times = events.map(({ Action, timeNano }) => ({ Action, ms: timeNano / 1e6 }));
    const delays = times.flatMap(({ Action, ms }, index) => {
      const next = times.slice(index).find((later) => later.Action === "start");
      return Action === "die" && next !== undefined ? [next.ms - ms] : [];
    });
    const [first = 0, second = 0, third = 0] = delays;
    assert.ok(first >= 95 && second >= 195 && third >= 395, delays.join(", "));
    close();
  });

  it("gives up after on-failure's number of restarts, and leaves a clean exit alone", async () => {
    const failing = await run("failing", {
      Cmd: ["node", "-e", "process.exit(1)"],
      HostConfig: { RestartPolicy: { Name: "on-failure", MaximumRetryCount: 2 } },
    });
    await until("the end", async () => (await state(failing)).Status === "exited");
    assert.equal((await failing.inspect()).RestartCount, 2);
    const clean = await run("clean", {
      Cmd: ["node", "-e", ""],
      HostConfig: { RestartPolicy: { Name: "on-failure" } },
    });
    assert.equal(((await clean.wait()) as { StatusCode: number }).StatusCode, 0);
    assert.equal((await clean.inspect()).RestartCount, 0);
  });

  it("follows a health check from starting to healthy to unhealthy and back, and tells it by events", async () => {
    const ms = 1e6;
    const { actions, close } = await listen();
    const container = await run("checked", {
      Env: ["SICK=1"],
      Healthcheck: {
        Test: [
          "CMD-SHELL",
          "curl -s -X GET -f http://localhost:3000/health > /dev/null || wget -q -O- http://localhost:3000/health > /dev/null || exit 1",
        ],
        Interval: 50 * ms,
        Timeout: 2000 * ms,
        Retries: 3,
      },
    });
    assert.equal((await state(container)).Health?.Status, "starting");
    const health = (wanted: string) => until(wanted, async () => (await state(container)).Health?.Status === wanted);
    await health("unhealthy");
    assert.ok(((await state(container)).Health?.FailingStreak ?? 0) >= 3);
    await serves(container, "/well");
    await health("healthy");
    await serves(container, "/sick");
    await health("unhealthy");
    const told = actions().filter((action) => action.startsWith("health_status"));
    assert.deepEqual(told, ["health_status: unhealthy", "health_status: healthy", "health_status: unhealthy"]);
    close();
  });

  it("finds in an image only the tools that its base has", async () => {
    await addImage(
      engine,
      "slim:1",
      { "main.mjs": webServer },
      { Labels: { "org.opencontainers.image.base.name": "node:24-slim" } },
    );
    const container = await run("slim", {
      Image: "slim:1",
      Healthcheck: {
        Test: [
          "CMD-SHELL",
          "curl -s -X GET -f http://localhost:3000/ > /dev/null || wget -q -O- http://localhost:3000/ > /dev/null || exit 1",
        ],
        Interval: 30e6,
        Retries: 2,
      },
    });
    await serves(container);
    await until("unhealthy", async () => (await state(container)).Health?.Status === "unhealthy");
    assert.match(JSON.stringify((await state(container)).Health), /wget: not found/);
  });

  it("runs a health check that is a command of the image", async () => {
    const container = await run("command", {
      Healthcheck: {
        Test: ["CMD", "node", "-e", "fetch('http://localhost:3000/health').then((r) => process.exit(r.ok ? 0 : 1))"],
        Interval: 100e6,
        Timeout: 10e9,
      },
    });
    await until("healthy", async () => (await state(container)).Health?.Status === "healthy");
  });

  it("resolves names and aliases of the networks that containers share, and none of others", async () => {
    await engine.docker.createNetwork({ Name: "coolify" });
    await engine.docker.createNetwork({ Name: "other" });
    const onCoolify = (aliases: string[]) => ({
      HostConfig: { NetworkMode: "coolify" },
      NetworkingConfig: { EndpointsConfig: { coolify: { Aliases: aliases } } },
    });
    await run("backend-1", { ...onCoolify(["backend"]), Env: ["NAME=backend"] });
    await serves(engine.docker.getContainer("backend-1"));
    const ask = (name: string) => [
      "node",
      "-e",
      `fetch("http://${name}:3000/").then(async (r) => console.log((await r.json()).name), (e) => console.log(e.cause.code))`,
    ];
    const answerOf = async (container: Docker.Container) => {
      await container.wait();
      return (await container.logs({ stdout: true, stderr: true })).toString("utf8").slice(8).trim();
    };
    assert.equal(await answerOf(await run("ask-a", { ...onCoolify([]), Cmd: ask("backend") })), "backend");
    assert.equal(await answerOf(await run("ask-b", { ...onCoolify([]), Cmd: ask("backend-1") })), "backend");
    assert.equal(
      await answerOf(await run("ask-c", { HostConfig: { NetworkMode: "other" }, Cmd: ask("backend") })),
      "ENOTFOUND",
    );
    assert.equal(await answerOf(await run("ask-d", { Cmd: ask("backend") })), "ENOTFOUND");
  });

  it("keeps output, streams it, and gives the tail", async () => {
    const container = await run("logging", {
      Cmd: ["node", "-e", "for (let i = 1; i <= 5; i += 1) console.log('line ' + i)"],
    });
    await container.wait();
    const text = async (options: object) => {
      const content = await container.logs({ stdout: true, stderr: true, ...options, follow: false });
      return content.subarray(8).toString("utf8");
    };
    assert.equal(await text({}), "line 1\nline 2\nline 3\nline 4\nline 5\n");
    assert.equal(await text({ tail: 2 }), "line 4\nline 5\n");
  });

  it("runs commands inside, with their exit code and both streams", async () => {
    const container = await run("exec", { Env: ["NAME=inside"] });
    const exec = await container.exec({
      Cmd: ["node", "-e", "console.log(process.env.NAME); console.error('to stderr'); process.exit(5)"],
      AttachStdout: true,
      AttachStderr: true,
    });
    const stream = await exec.start({});
    const streams = { stdout: "", stderr: "" };
    const sink = (name: keyof typeof streams) => ({
      write: (chunk: Buffer) => (streams[name] += chunk.toString("utf8")),
    });
    engine.docker.modem.demuxStream(stream, sink("stdout") as never, sink("stderr") as never);
    await once(stream, "end");
    assert.deepEqual(streams, { stdout: "inside\n", stderr: "to stderr\n" });
    assert.equal((await exec.inspect()).ExitCode, 5);
    const attached = await container.exec({ Cmd: ["sh", "-c", "cat"], AttachStdin: true, AttachStdout: true });
    const both = await attached.start({ hijack: true, stdin: true });
    both.end("through stdin");
    let echoed = "";
    both.on("data", (chunk: Buffer) => (echoed += chunk.subarray(8).toString("utf8")));
    await once(both, "end");
    assert.equal(echoed, "through stdin");
  });

  it("answers in Docker's words and statuses", async () => {
    const { docker } = engine;
    await assert.rejects(docker.getContainer("nobody").inspect(), { statusCode: 404, reason: "no such container" });
    await assert.rejects(docker.createContainer({ Image: "absent:1" }), /No such image: absent:1/);
    await run("taken");
    await assert.rejects(docker.createContainer({ Image: "web:1", name: "taken" }), { statusCode: 409 });
    await assert.rejects(docker.getContainer("taken").start(), { statusCode: 304 });
    await assert.rejects(docker.getContainer("taken").remove(), /stop the container before removing or force remove/);
    await assert.rejects(docker.getImage("web:1").remove(), { statusCode: 409 });
    await docker.getContainer("taken").remove({ force: true });
    await assert.rejects(docker.getContainer("taken").kill(), { statusCode: 404 });
    await assert.rejects(
      docker.createContainer({ Image: "web:1", HostConfig: { NetworkMode: "absent" } }),
      /network absent not found/,
    );
    const broken = await docker.createContainer({ Image: "web:1", name: "broken", Cmd: ["no-such-program"] });
    await assert.rejects(broken.start(), /exec: "no-such-program": executable file not found in \$PATH/);
    assert.equal((await state(broken)).ExitCode, 127);
    await assert.rejects(docker.createContainer({ Image: "web:1", HostConfig: { Binds: ["/etc:/etc"] } }), {
      statusCode: 501,
    });
  });

  it("leaves containers running when it goes, and takes them up again", async () => {
    const kept = await run("kept", {
      Env: ["NAME=kept"],
      Healthcheck: { Test: ["CMD-SHELL", "wget -q -O- http://127.0.0.1:3000/health"], Interval: 50e6 },
    });
    const crashing = await run("crashed", {
      Env: ["NAME=crashed"],
      HostConfig: { RestartPolicy: { Name: "unless-stopped" } },
    });
    const plain = await run("plain");
    const before = await serves(kept);
    const address = await addressOf(kept);
    const { pid: crashedPid } = await serves(crashing);
    const { pid: plainPid } = await serves(plain);
    await engine.server.close();
    assert.equal(((await (await fetch(`http://${address}:3000/`)).json()) as { pid: number }).pid, before.pid);
    process.kill(crashedPid, "SIGKILL");
    process.kill(plainPid, "SIGKILL");
    await engine.reopen();
    assert.equal((await serves(kept)).pid, before.pid);
    assert.equal(await addressOf(kept), address);
    await until("healthy again", async () => (await state(kept)).Health?.Status === "healthy");
    await until("the end of the plain one", async () => (await state(plain)).Status === "exited");
    assert.equal((await state(plain)).ExitCode, 137);
    await until(
      "the restart",
      async () => (await crashing.inspect()).RestartCount === 1 && (await state(crashing)).Status === "running",
    );
    await kept.stop({ t: 1 });
    assert.equal((await state(kept)).ExitCode, 137);
  });

  it("comes down whole, and comes up again with what was not stopped by request", async () => {
    const up = await run("up", { Env: ["GRACEFUL=1"], HostConfig: { RestartPolicy: { Name: "unless-stopped" } } });
    const down = await run("down", { Env: ["GRACEFUL=1"], HostConfig: { RestartPolicy: { Name: "unless-stopped" } } });
    const { pid } = await serves(up);
    await serves(down);
    await down.stop();
    await engine.server.stopAll();
    assert.throws(() => process.kill(pid, 0), { code: "ESRCH" });
    await engine.reopen();
    await until("the first one", async () => (await state(up)).Status === "running");
    assert.equal((await state(down)).Status, "exited");
  });
});
