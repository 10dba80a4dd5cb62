import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type Docker from "dockerode";
import { connectEngine } from "../../../sandbox/docker/engine-address.ts";
import { madeMark } from "../../../sandbox/docker/mark.ts";
import { bridgeOf, startOwnEngine } from "../../../sandbox/docker/own-engine.ts";
import { savedImage } from "../../../sandbox/docker/saved-image.ts";
import { clearDockerRuntime } from "../../../sandbox/docker/server.ts";
import { proxyImage, startTraefik } from "../../../sandbox/docker/traefik.ts";
import { identify, isRunning } from "../../../sandbox/processes/process-table.ts";
import { stopProcess } from "../../../sandbox/processes/stop.ts";
import { freePort } from "../../../sandbox/processes/free-port.ts";
import { findTraefik } from "../../../sandbox/setup/find-traefik.ts";
import { buildFolder } from "../../../sandbox/workload/build.ts";
import { until } from "../containers/fixture.ts";
import { openRuntime, whyNoDocker, type TestRuntime } from "./runtime.ts";

const images = ["node:24-alpine", "postgres:16-alpine", "redis:7-alpine"];

describe("the docker runtime", function () {
  this.timeout(180_000);
  let runtime: TestRuntime;
  let machine: Server;

  before(async function () {
    const why = await whyNoDocker();
    if (why !== null) {
      console.log(`      ${why}`);
      return this.skip();
    }
    machine = createServer((_, response) => response.end("the machine"));
    await new Promise<void>((resolve) => machine.listen(0, "127.0.0.1", resolve));
    const proxy = (await findTraefik()) === null ? [] : [proxyImage];
    runtime = await openRuntime([...images, ...proxy], { gatewayPorts: [(machine.address() as AddressInfo).port] });
  });
  after(async () => {
    machine?.close();
    await runtime?.remove();
  });

  async function start(name: string, options: Docker.ContainerCreateOptions): Promise<Docker.Container> {
    const container = await runtime.docker.createContainer({
      ...options,
      name,
      Labels: { ...options.Labels, ...madeMark(runtime.folder) },
      HostConfig: { NetworkMode: "coolify", ...options.HostConfig },
    });
    await container.start();
    return container;
  }

  /** What a command in a container writes. */
  async function inside(name: string, Cmd: string[]): Promise<string> {
    const exec = await runtime.docker
      .getContainer(name)
      .exec({ Cmd, AttachStdout: true, AttachStderr: true, Tty: true });
    const stream = await exec.start({ Tty: true });
    let text = "";
    for await (const chunk of stream) text += String(chunk);
    return text.trim();
  }

  const names = async () =>
    (JSON.parse(await readFile(runtime.hostsFile, "utf8")) as { networks: Record<string, Record<string, string[]>> })
      .networks["coolify"] ?? {};

  it("answers to Coolify's health checks in stand-ins that obey the official images' variables", async () => {
    const second = 1e9;
    const check = (Test: string[]) => ({ Test, Interval: second / 2, Timeout: 5 * second, Retries: 10 });
    const database = await start("database", {
      Image: "postgres:16-alpine",
      Env: ["POSTGRES_USER=somebody", "POSTGRES_PASSWORD=secret", "POSTGRES_DB=shop"],
      Healthcheck: check(["CMD", "psql", "-U", "somebody", "-d", "shop", "-c", "SELECT 1"]),
      HostConfig: { Binds: ["data-of-database:/var/lib/postgresql/data"] },
    });
    const cache = await start("cache", {
      Image: "redis:7-alpine",
      Cmd: ["redis-server", "--requirepass", "secret", "--appendonly", "yes"],
      Healthcheck: check(["CMD-SHELL", "redis-cli", "ping"]),
    });
    for (const container of [database, cache]) {
      await until("health", async () => (await container.inspect()).State.Health?.Status === "healthy");
    }
    assert.equal(
      await inside("cache", ["redis-cli", "-h", "cache", "--no-auth-warning", "-a", "secret", "ping"]),
      "PONG",
    );
    assert.match(await inside("cache", ["redis-cli", "-h", "cache", "ping"]), /NOAUTH/);
    const psql = ["psql", "-P", "pager=off", "-At", "-c", "SELECT current_user, current_database()"];
    assert.equal(await inside("database", [...psql, "postgres://somebody:secret@database/shop"]), "somebody|shop");
    assert.match(
      await inside("database", [...psql, "postgres://somebody:wrong@database/shop"]),
      /authentication failed/,
    );
  });

  it("keeps a database's data when its container is made anew", async () => {
    const again = (): Promise<Docker.Container> =>
      start("database", {
        Image: "postgres:16-alpine",
        Env: ["POSTGRES_USER=somebody", "POSTGRES_PASSWORD=secret", "POSTGRES_DB=shop"],
        HostConfig: { Binds: ["data-of-database:/var/lib/postgresql/data"] },
      });
    const sql = (text: string) =>
      inside("database", ["psql", "-P", "pager=off", "-At", "-U", "somebody", "-d", "shop", "-c", text]);
    await sql("CREATE TABLE kept AS SELECT 42 AS answer");
    await runtime.docker.getContainer("database").stop({ t: 10 });
    await runtime.docker.getContainer("database").remove();
    await again();
    assert.equal(await until("the row", async () => (await sql("SELECT answer FROM kept")) === "42" && "42"), "42");
  });

  it("gives containers the machine's loopback by name, and the machine the containers' names", async () => {
    const { port } = machine.address() as AddressInfo;
    const { IPAM } = await runtime.docker.getNetwork("coolify").inspect();
    const program =
      'require("http").createServer(async (_, r) => r.end(await (await fetch(process.env.TARGET)).text())).listen(3000)';
    const container = await start("asking", {
      Image: "node:24-alpine",
      Cmd: ["node", "--eval", program],
      Env: [`TARGET=http://s3.sandbox.localhost:${port}/`],
      HostConfig: { ExtraHosts: [`s3.sandbox.localhost:${IPAM?.Config?.[0]?.Gateway ?? ""}`] },
    });
    const [address] = await until("its name", async () => (await names())["asking"]);
    const answer = await until("an answer", async () => (await fetch(`http://${address ?? ""}:3000/`)).text());
    assert.equal(answer, "the machine");
    await container.remove({ force: true });
    await until("no name", async () => (await names())["asking"] === undefined);
  });

  it("has a real Traefik route to containers by their labels, and to nobody else's", async function () {
    if ((await findTraefik()) === null) return this.skip();
    const { folder, address, docker } = runtime;
    const port = await freePort("127.0.0.1");
    const traefik = await startTraefik({ host: "127.0.0.1", port, docker: address, folder });
    try {
      const labels = (name: string) => ({
        "traefik.enable": "true",
        [`traefik.http.routers.${name}.rule`]: `HeaderRegexp(\`X-Site\`, \`^${name}$\`)`,
        [`traefik.http.routers.${name}.entrypoints`]: "http",
        [`traefik.http.services.${name}.loadbalancer.server.port`]: "3000",
      });
      const Cmd = ["node", "--eval", 'require("http").createServer((_, r) => r.end("routed")).listen(3000)'];
      await start("ours", { Image: "node:24-alpine", Cmd, Labels: labels("ours") });
      const others = await docker.createContainer({
        name: "others",
        Image: "node:24-alpine",
        Cmd,
        Labels: labels("others"),
        HostConfig: { NetworkMode: "coolify" },
      });
      await others.start();
      const ask = (site: string) => fetch(traefik.url, { headers: { "x-site": site } });
      assert.equal(
        await until("a route", async () => {
          const a = await ask("ours");
          return a.ok && a.text();
        }),
        "routed",
      );
      assert.equal((await ask("others")).status, 404);
      await others.remove({ force: true });
    } finally {
      await traefik.close();
    }
  });

  it("saves an image with layers whose digests are those of their bytes", async () => {
    const { layers, config } = await savedImage(runtime.docker, "redis:7-alpine", join(buildFolder, "base"));
    assert.deepEqual(config.Entrypoint, ["docker-entrypoint.sh"]);
    for (const { path, digest } of layers) {
      const { stdout } = await promisify(execFile)("sha256sum", [path]);
      assert.equal(`sha256:${stdout.split(" ")[0]}`, digest);
    }
  });
});

describe("an engine of the sandbox's own", function () {
  this.timeout(120_000);
  let runtime: TestRuntime;

  before(async function () {
    const why = await whyNoDocker();
    if (why !== null || process.env["DOCKER_HOST"] !== undefined) return this.skip();
    runtime = await openRuntime(["node:24-alpine"]);
  });
  after(() => runtime?.remove());

  it("leaves no process, interface or mount behind after a kill -9", async () => {
    const container = await runtime.docker.createContainer({
      Image: "node:24-alpine",
      Cmd: ["node", "--eval", "setInterval(() => {}, 1000)"],
      Labels: madeMark(runtime.folder),
      HostConfig: { NetworkMode: "coolify", RestartPolicy: { Name: "unless-stopped" } },
    });
    await container.start();
    const program = await identify((await container.inspect()).State.Pid);
    const engine = join(runtime.folder, "docker");
    const { address } = await startOwnEngine(engine);
    assert.ok("socketPath" in address && program !== null);
    const pidFile = join(address.socketPath, "..", "docker.pid");
    const dockerd = await identify(Number(await readFile(pidFile, "utf8")));
    assert.ok(dockerd !== null);
    await stopProcess(dockerd, [{ signal: "SIGKILL", withinMs: 5000 }]);
    assert.ok(await isRunning(program));
    await clearDockerRuntime(runtime.folder, undefined);
    assert.equal(await isRunning(program), false);
    assert.equal(networkInterfaces()[bridgeOf(engine)], undefined);
    assert.doesNotMatch(await readFile("/proc/self/mounts", "utf8"), new RegExp(runtime.folder));
    await assert.rejects(readFile(pidFile), /ENOENT/);
  });
});

describe("an engine of the machine's", function () {
  this.timeout(120_000);
  const given = process.env["DOCKER_HOST"];
  let machines: Awaited<ReturnType<typeof startOwnEngine>>;
  let runtime: TestRuntime;

  before(async function () {
    const why = await whyNoDocker();
    if (why !== null || given !== undefined) return this.skip();
    machines = await startOwnEngine(join(buildFolder, "machine"));
    assert.ok("socketPath" in machines.address);
    process.env["DOCKER_HOST"] = `unix://${machines.address.socketPath}`;
    runtime = await openRuntime(["node:24-alpine"]);
  });
  after(async () => {
    if (given === undefined) delete process.env["DOCKER_HOST"];
    await machines?.stop();
    await rm(join(buildFolder, "machine"), { recursive: true, force: true });
  });

  it("is left with what others have on it, and without anything of ours", async () => {
    const docker = connectEngine(machines.address);
    const create = (name: string, Labels: Record<string, string>) =>
      docker.createContainer({
        name,
        Image: "node:24-alpine",
        Cmd: ["node", "--eval", "setInterval(() => {}, 1000)"],
        Labels,
        HostConfig: { NetworkMode: "host" },
      });
    await docker.createVolume({ Name: "theirs" });
    await docker.createVolume({ Name: "ours", Labels: madeMark(runtime.folder) });
    for (const container of [await create("theirs", {}), await create("ours", madeMark(runtime.folder))]) {
      await container.start();
    }
    await runtime.remove();
    assert.deepEqual(
      (await docker.listContainers({ all: true })).map(({ Names, State }) => [Names[0], State]),
      [["/theirs", "running"]],
    );
    assert.deepEqual(
      (await docker.listVolumes()).Volumes.map(({ Name }) => Name),
      ["theirs"],
    );
    assert.ok((await docker.listNetworks()).every(({ Name }) => Name !== "coolify"));
    await docker.getContainer("theirs").remove({ force: true });
  });
});
