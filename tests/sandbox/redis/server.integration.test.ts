import assert from "node:assert/strict";
import { chmod, mkdtemp, readFile, realpath, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { identify, isRunning } from "../../../sandbox/processes/process-table.ts";
import { answeringProcess } from "../../../sandbox/redis/answering-process.ts";
import { startRedis, type RedisOptions, type RedisServer } from "../../../sandbox/redis/server.ts";

/** Sends lines in Redis' inline syntax and returns what comes back until Redis closes the connection after QUIT. */
async function talk({ host, port }: RedisServer, ...lines: string[]): Promise<string> {
  const socket = connect({ host, port });
  socket.setEncoding("utf8");
  socket.write([...lines, "QUIT", ""].join("\r\n"));
  let reply = "";
  for await (const chunk of socket) reply += String(chunk);
  return reply;
}

describe("the sandbox's Redis", () => {
  let base = "";
  const options = (changes: Partial<RedisOptions> = {}): RedisOptions => ({
    dir: join(base, "cache"),
    host: "127.0.0.1",
    port: 0,
    password: 'se"cret word',
    ...changes,
  });
  const login = String.raw`AUTH "se\"cret word"`;

  beforeEach(async () => {
    base = await mkdtemp(join(tmpdir(), "affexai-redis-"));
    await chmod(base, 0o755);
  });
  afterEach(() => rm(base, { recursive: true }));

  it("is the machine's real server, with the settings asked for", async () => {
    const server = await startRedis(options({ settings: { maxmemory: "64mb" } }));
    try {
      assert.match(await talk(server, login, "CONFIG GET maxmemory"), /67108864/);
      assert.equal(decodeURIComponent(new URL(server.url).password), 'se"cret word');
    } finally {
      await server.close();
    }
  });

  it("refuses a wrong password and no password", async () => {
    const server = await startRedis(options());
    try {
      assert.match(await talk(server, "SET a 1"), /NOAUTH/);
      await assert.rejects(answeringProcess({ host: server.host, port: server.port, password: "wrong" }), /WRONGPASS/);
    } finally {
      await server.close();
    }
  });

  it("lets everybody in when no password was asked for", async () => {
    const server = await startRedis({ dir: join(base, "cache"), host: "127.0.0.1", port: 0 });
    try {
      assert.match(await talk(server, "SET a 1"), /\+OK/);
    } finally {
      await server.close();
    }
  });

  it("keeps its data over a restart", async () => {
    const first = await startRedis(options());
    await talk(first, login, "SET kept 42");
    await first.close();
    assert.deepEqual(await first.exited, { code: 0, signal: null });
    const second = await startRedis(options());
    try {
      assert.match(await talk(second, login, "GET kept"), /\$2\r\n42/);
    } finally {
      await second.close();
    }
  });

  it("ends the server that a killed starter left running on the same data", async () => {
    const first = await startRedis(options());
    const identity = await identify(first.pid);
    assert.ok(identity !== null);
    const second = await startRedis(options());
    try {
      assert.equal(await isRunning(identity), false);
      assert.match(await talk(second, login, "PING"), /\+PONG/);
    } finally {
      await second.close();
    }
  });

  it("says what Redis said when it cannot start", async () => {
    await assert.rejects(
      startRedis(options({ settings: { maxmemory: "lots" } })),
      /ended before it was ready[^]*maxmemory/,
    );
  });

  it("names the port when it is taken", async () => {
    const first = await startRedis(options());
    try {
      await assert.rejects(startRedis(options({ dir: join(base, "b"), port: first.port })), /Address already in use/);
    } finally {
      await first.close();
    }
  });

  it("never shows its password in a process's arguments or its log", async () => {
    const server = await startRedis(options());
    try {
      assert.ok(!(await readFile(join(base, "cache", "redis.log"), "utf8")).includes("cret word"));
      if (process.platform === "linux") {
        assert.ok(!(await readFile(`/proc/${server.pid}/cmdline`, "utf8")).includes("cret word"));
      }
    } finally {
      await server.close();
    }
  });

  it("runs as root's guest below a folder that only root may enter", async function () {
    if (process.getuid?.() !== 0) this.skip();
    await chmod(base, 0o700);
    const server = await startRedis(options());
    const data = await realpath(join(base, "cache", "data"));
    try {
      await talk(server, login, "SET kept 42");
      assert.equal((await readFile(`/proc/${server.pid}/status`, "utf8")).match(/^Uid:\t0\t/m), null);
    } finally {
      await server.close();
      await rm(data, { recursive: true });
    }
  });
});
