import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { join } from "node:path";
import Docker from "dockerode";
import { addImage, openEngine, until, webServer, type TestEngine } from "./fixture.ts";

describe("container engine that is killed with -9", () => {
  let engine: TestEngine;

  beforeEach(async () => {
    engine = await openEngine();
    await addImage(engine, "web:1", { "main.mjs": webServer }, { ExposedPorts: { "3000/tcp": {} } });
    await engine.docker.createNetwork({ Name: "coolify" });
    await engine.server.close();
  });
  afterEach(() => engine.remove());

  /** Runs an engine on the test's folder, lets `work` use it, and kills it. */
  async function withKilledEngine<T>(work: (docker: Docker) => Promise<T>): Promise<T> {
    const program = fileURLToPath(new URL("./engine-process.ts", import.meta.url));
    const child = spawn(process.execPath, [program, join(engine.dir, "engine"), engine.hostsFile], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [port] = (await once(child.stdout, "data")) as [Buffer];
    try {
      return await work(new Docker({ host: "127.0.0.1", port: Number(port.toString()), protocol: "http" }));
    } finally {
      const exited = once(child, "exit");
      child.kill("SIGKILL");
      await exited;
    }
  }

  async function runOn(docker: Docker, name: string, options: Docker.ContainerCreateOptions = {}): Promise<string> {
    const container = await docker.createContainer({
      name,
      Image: "web:1",
      HostConfig: { NetworkMode: "coolify" },
      ...options,
    });
    await container.start();
    const { NetworkSettings } = await container.inspect();
    const address = NetworkSettings.Networks["coolify"]?.IPAddress ?? "";
    await until(`${name} to answer`, async () => (await fetch(`http://${address}:3000/`)).ok);
    return address;
  }

  it("leaves its containers serving, and the next engine has their addresses, names and exit codes", async () => {
    const addresses = await withKilledEngine(async (docker) => ({
      kept: await runOn(docker, "kept"),
      ending: await runOn(docker, "ending"),
    }));
    assert.ok((await fetch(`http://${addresses.kept}:3000/`)).ok);
    // It ends by itself while no engine runs; its supervisor keeps the code.
    await fetch(`http://${addresses.ending}:3000/exit`).catch(() => undefined);
    await until("the end", async () =>
      fetch(`http://${addresses.ending}:3000/`).then(
        () => false,
        () => true,
      ),
    );
    await engine.reopen();
    const kept = await engine.docker.getContainer("kept").inspect();
    assert.equal(kept.State.Status, "running");
    assert.equal(kept.NetworkSettings.Networks["coolify"]?.IPAddress, addresses.kept);
    const ended = await until("its end to be noticed", async () => {
      const { State } = await engine.docker.getContainer("ending").inspect();
      return State.Status === "exited" && State;
    });
    assert.equal(ended.ExitCode, 3);
    // The next container gets an address of its own.
    const next = await engine.docker.createContainer({
      name: "next",
      Image: "web:1",
      HostConfig: { NetworkMode: "coolify" },
    });
    await next.start();
    assert.notEqual((await next.inspect()).NetworkSettings.Networks["coolify"]?.IPAddress, addresses.kept);
  });

  it("restarts what its policy asks for when it comes back", async () => {
    const address = await withKilledEngine((docker) =>
      runOn(docker, "crashed", { HostConfig: { NetworkMode: "coolify", RestartPolicy: { Name: "unless-stopped" } } }),
    );
    await fetch(`http://${address}:3000/exit`).catch(() => undefined);
    await engine.reopen();
    await until("the restart", async () => {
      const { State, RestartCount } = await engine.docker.getContainer("crashed").inspect();
      return State.Status === "running" && RestartCount === 1;
    });
  });

  it("does not count it as a restart when containers went down with their engine", async () => {
    await engine.reopen();
    await runOn(engine.docker, "up", {
      Env: ["GRACEFUL=1"],
      HostConfig: { NetworkMode: "coolify", RestartPolicy: { Name: "unless-stopped" } },
    });
    await engine.server.stopAll();
    await engine.reopen();
    const seen = await until("the container", async () => {
      const inspected = await engine.docker.getContainer("up").inspect();
      return inspected.State.Status === "running" && inspected;
    });
    assert.equal(seen.RestartCount, 0);
  });

  it("starts nothing when it is opened only to end everything", async () => {
    await engine.reopen();
    await runOn(engine.docker, "up", {
      Env: ["GRACEFUL=1"],
      HostConfig: { NetworkMode: "coolify", RestartPolicy: { Name: "unless-stopped" } },
    });
    const { State } = await engine.docker.getContainer("up").inspect();
    await engine.server.stopAll();
    await engine.reopen();
    await engine.server.stopAll();
    await engine.reopen();
    const again = await until("the container", async () => {
      const inspected = await engine.docker.getContainer("up").inspect();
      return inspected.State.Status === "running" && inspected;
    });
    assert.notEqual(again.State.StartedAt, State.StartedAt);
    const starts = async () => {
      const output = await engine.docker.getContainer("up").logs({ stdout: true, follow: false });
      return output.toString("utf8").match(/listening/g)?.length ?? 0;
    };
    await until("the second start", async () => (await starts()) >= 2);
    assert.equal(await starts(), 2);
  });

  it("is alone on its folder", async () => {
    await withKilledEngine(async () => {
      await assert.rejects(engine.reopen(), /the container engine of process \d+ uses this folder/);
    });
    await engine.reopen();
  });
});
