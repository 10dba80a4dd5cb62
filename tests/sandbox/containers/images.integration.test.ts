import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { buildImage } from "../../../sandbox/images/build.ts";
import { pushImage } from "../../../sandbox/images/push.ts";
import { startRegistry, type Registry } from "../../../sandbox/registry/server.ts";
import { openEngine, until, webServer, type TestEngine } from "./fixture.ts";

const login = { username: "affexai", password: "registry-password" };

describe("container engine and images", () => {
  let engine: TestEngine;
  let registry: Registry;

  beforeEach(async () => {
    engine = await openEngine();
    registry = await startRegistry({ host: "127.0.0.1", port: 0, dir: join(engine.dir, "registry"), ...login });
  });
  afterEach(async () => {
    await registry.close();
    await engine.remove();
  });

  async function pull(
    reference: string,
    authconfig: { username: string; password: string; serveraddress: string } | undefined,
  ): Promise<void> {
    const stream = await engine.docker.pull(reference, { authconfig });
    await new Promise<void>((resolve, reject) =>
      engine.docker.modem.followProgress(stream, (error) => (error === null ? resolve() : reject(error))),
    );
  }

  async function publish(): Promise<{ digest: string; reference: string }> {
    const context = join(engine.dir, "context");
    await mkdir(context, { recursive: true });
    await writeFile(join(context, "main.mjs"), webServer);
    const dockerfile = join(context, "Dockerfile");
    await writeFile(
      dockerfile,
      'FROM node:24-slim\nWORKDIR /app\nCOPY main.mjs ./\nENV NAME=from-image\nEXPOSE 3000\nCMD ["node", "/app/main.mjs"]\n',
    );
    const image = await buildImage({ context, dockerfile, cacheDir: join(engine.dir, "layers") });
    return pushImage(image, { registry: registry.host, repository: "affexai/web", tags: ["v1"], auth: login });
  }

  it("pulls by digest with a login, and runs what it pulled", async () => {
    const { reference, digest } = await publish();
    const access = { ...login, serveraddress: registry.host };
    await assert.rejects(pull(reference, { ...access, password: "wrong" }), { statusCode: 500 });
    await assert.rejects(pull(reference, undefined), { statusCode: 500 });
    await assert.rejects(pull(reference.replace(/[0-9a-f]{64}$/, "0".repeat(64)), access), { statusCode: 404 });
    await pull(reference, access);
    const seen = await engine.docker.getImage(reference).inspect();
    assert.deepEqual(seen.RepoDigests, [`${registry.host}/affexai/web@${digest}`]);
    assert.equal(seen.Config.WorkingDir, "/app");
    await pull(`${registry.host}/affexai/web:v1`, access);
    const [listed, ...others] = await engine.docker.listImages();
    assert.deepEqual([listed?.RepoTags, others.length], [[`${registry.host}/affexai/web:v1`], 0]);
    const container = await engine.docker.createContainer({ Image: reference, name: "pulled" });
    await container.start();
    const { NetworkSettings } = await container.inspect();
    const address = NetworkSettings.Networks["bridge"]?.IPAddress ?? "";
    const answer = await until(
      "an answer",
      async () => (await (await fetch(`http://${address}:3000/`)).json()) as { name: string },
    );
    assert.equal(answer.name, "from-image");
  });

  it("runs PostgreSQL and Redis as their official images, reachable by name over the VPN, with data that outlives the container", async function () {
    this.timeout(120_000);
    await engine.docker.createNetwork({ Name: "coolify" });
    await pull("postgres:16-alpine", undefined);
    await pull("redis:7.2", undefined);
    const onCoolify = (volume: string) => ({
      NetworkMode: "coolify",
      Binds: [volume],
      RestartPolicy: { Name: "unless-stopped" },
    });
    const start = async () => {
      const postgres = await engine.docker.createContainer({
        name: "pg-uuid",
        Image: "postgres:16-alpine",
        Env: ["POSTGRES_USER=affexai", "POSTGRES_PASSWORD=pg-secret", "POSTGRES_DB=shop"],
        Healthcheck: {
          Test: ["CMD-SHELL", "psql -U affexai -d shop -c 'SELECT 1' || exit 1"],
          Interval: 200e6,
          Timeout: 5e9,
          Retries: 50,
        },
        HostConfig: onCoolify("pg-data:/var/lib/postgresql/data"),
      });
      await postgres.start();
      await until("healthy", async () => (await postgres.inspect()).State.Health?.Status === "healthy");
      return postgres;
    };
    const asOperator = async (code: string) => {
      const preload = new URL("../../../sandbox/containers/network.mjs", import.meta.url).href;
      const { stdout } = await execa(process.execPath, ["--input-type=module", "-"], {
        input: code,
        cwd: join(import.meta.dirname, "../../.."),
        env: { NODE_OPTIONS: `--import=${preload}`, AFFEXAI_SANDBOX_HOSTS: engine.hostsFile },
      });
      return stdout;
    };
    const query = (text: string) =>
      asOperator(`import pg from "pg";
        const client = new pg.Client("postgres://affexai:pg-secret@pg-uuid:5432/shop");
        await client.connect();
        console.log(JSON.stringify((await client.query(${JSON.stringify(text)})).rows));
        await client.end();`);
    const first = await start();
    await query("CREATE TABLE note (body text)");
    await query("INSERT INTO note VALUES ('kept')");
    await first.stop();
    assert.equal((await first.inspect()).State.ExitCode, 0);
    await first.remove();
    const second = await start();
    assert.equal(await query("SELECT body FROM note"), '[{"body":"kept"}]');
    await second.kill();
    await second.remove();
    const redis = await engine.docker.createContainer({
      name: "redis-uuid",
      Image: "redis:7.2",
      Cmd: ["redis-server", "--requirepass", "redis-secret", "--appendonly", "yes"],
      HostConfig: onCoolify("redis-data:/data"),
    });
    await redis.start();
    const pong = `import net from "node:net";
      const socket = net.connect(6379, "redis-uuid", () => socket.write("AUTH redis-secret\\r\\nPING\\r\\n"));
      let text = "";
      socket.on("data", (chunk) => { text += chunk; if (text.includes("PONG")) { console.log(JSON.stringify(text)); socket.destroy(); } });`;
    assert.equal(await until("a PONG", () => asOperator(pong)), JSON.stringify("+OK\r\n+PONG\r\n"));
    const { stdout } = await execa("ps", ["-eo", "args"]);
    assert.ok(!stdout.includes("redis-secret") && !stdout.includes("pg-secret"));
    await redis.stop();
    await assert.rejects(engine.docker.getVolume("redis-data").remove(), { statusCode: 409 });
    await redis.remove();
    await engine.docker.getVolume("redis-data").remove();
    assert.deepEqual(
      (await engine.docker.listVolumes()).Volumes.map(({ Name }) => Name),
      ["pg-data"],
    );
  });
});
