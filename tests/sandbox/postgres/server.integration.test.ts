import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { startPostgres, type PostgresOptions } from "../../../sandbox/postgres/server.ts";
import { identify, isRunning } from "../../../sandbox/processes/process-table.ts";

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows.map((row) => Object.values(row)[0]);
  } finally {
    await client.end();
  }
}

describe("the sandbox's PostgreSQL", () => {
  let base = "";
  const options = (changes: Partial<PostgresOptions> = {}): PostgresOptions => ({
    dir: join(base, "database"),
    host: "127.0.0.1",
    port: 0,
    user: "owner",
    password: "p@ss/wörd %41",
    database: "affexai",
    settings: { fsync: "off" },
    ...changes,
  });

  beforeEach(async () => {
    base = await mkdtemp(join(tmpdir(), "affexai-postgres-"));
    // As a folder that anybody may enter: mkdtemp makes it private.
    await chmod(base, 0o755);
  });
  afterEach(() => rm(base, { recursive: true }));

  it("is the machine's real server, with the database, the user and the settings asked for", async () => {
    const server = await startPostgres(options({ settings: { fsync: "off", max_connections: "37" } }));
    try {
      assert.match(String((await query(server.url, "SELECT version()"))[0]), /^PostgreSQL \d+/);
      assert.deepEqual(await query(server.url, "SELECT current_database() || '/' || current_user"), ["affexai/owner"]);
      assert.deepEqual(await query(server.url, "SHOW max_connections"), ["37"]);
      assert.equal(new URL(server.url).port, `${server.port}`);
    } finally {
      await server.close();
    }
  });

  it("refuses a wrong password and no password", async () => {
    const server = await startPostgres(options());
    try {
      for (const password of ["wrong", ""]) {
        const url = new URL(server.url);
        url.password = password;
        await assert.rejects(query(url.href, "SELECT 1"), /password|SASL/);
      }
    } finally {
      await server.close();
    }
  });

  it("keeps its data over a restart, and may be closed twice", async () => {
    const first = await startPostgres(options());
    await query(first.url, "CREATE TABLE kept AS SELECT 42 AS answer");
    await first.close();
    await first.close();
    assert.deepEqual(await first.exited, { code: 0, signal: null });
    const second = await startPostgres(options());
    try {
      assert.deepEqual(await query(second.url, "SELECT answer FROM kept"), [42]);
    } finally {
      await second.close();
    }
  });

  it("starts after a kill -9 of the postmaster, with everything that was committed", async () => {
    const first = await startPostgres(options());
    await query(first.url, "CREATE TABLE kept AS SELECT 42 AS answer");
    process.kill(first.pid, "SIGKILL");
    assert.deepEqual(await first.exited, { code: null, signal: "SIGKILL" });
    const second = await startPostgres(options());
    try {
      assert.deepEqual(await query(second.url, "SELECT answer FROM kept"), [42]);
    } finally {
      await second.close();
    }
  });

  it("ends the server that a killed starter left running on the same data", async () => {
    const first = await startPostgres(options());
    const identity = await identify(first.pid);
    assert.ok(identity !== null);
    const second = await startPostgres(options());
    try {
      assert.equal(await isRunning(identity), false);
      assert.deepEqual(await query(second.url, "SELECT 1"), [1]);
    } finally {
      await second.close();
    }
  });

  it("is not stopped by a lock file whose process number belongs to another process now", async () => {
    const first = await startPostgres(options());
    await first.close();
    const data = await realpath(join(base, "database", "data"));
    await writeFile(join(data, "postmaster.pid"), `${process.ppid}\n${data}\n1700000000\n5432\n\n127.0.0.1\n`);
    const second = await startPostgres(options());
    try {
      assert.deepEqual(await query(second.url, "SELECT 1"), [1]);
    } finally {
      await second.close();
    }
  });

  it("makes its data anew after a crash in the middle of making it", async () => {
    await mkdir(join(base, "database", "data.new", "base"), { recursive: true });
    const server = await startPostgres(options());
    try {
      assert.deepEqual(await query(server.url, "SELECT 1"), [1]);
    } finally {
      await server.close();
    }
  });

  it("says what PostgreSQL said when it cannot start", async () => {
    await assert.rejects(
      startPostgres(options({ settings: { shared_buffers: "many" } })),
      /ended before it was ready[^]*shared_buffers/,
    );
  });

  it("names the port when it is taken", async () => {
    const first = await startPostgres(options());
    try {
      await assert.rejects(
        startPostgres(options({ dir: join(base, "another"), port: first.port })),
        /Address already in use/,
      );
    } finally {
      await first.close();
    }
  });

  it("never shows its password in a process's arguments or its log", async () => {
    const server = await startPostgres(options());
    try {
      const log = await readFile(join(base, "database", "postgres.log"), "utf8");
      assert.match(log, /ready to accept connections/);
      assert.ok(!log.includes("p@ss"));
      if (process.platform === "linux") {
        assert.ok(!(await readFile(`/proc/${server.pid}/cmdline`, "utf8")).includes("p@ss"));
      }
    } finally {
      await server.close();
    }
  });

  it("runs as root's guest below a folder that only root may enter", async function () {
    if (process.getuid?.() !== 0) this.skip();
    await chmod(base, 0o700);
    const first = await startPostgres(options());
    await query(first.url, "CREATE TABLE kept AS SELECT 42 AS answer");
    await first.close();
    const second = await startPostgres(options());
    const data = await realpath(join(base, "database", "data"));
    try {
      assert.deepEqual(await query(second.url, "SELECT answer FROM kept"), [42]);
      assert.ok(!data.startsWith(base));
      assert.equal((await readFile(`/proc/${second.pid}/status`, "utf8")).match(/^Uid:\t0\t/m), null);
    } finally {
      await second.close();
    }
    // Data that nothing links to any more goes with the next server that needs such a place.
    await rm(join(base, "database"), { recursive: true });
    await (await startPostgres(options({ dir: join(base, "another") }))).close();
    await assert.rejects(realpath(data), { code: "ENOENT" });
    await rm(await realpath(join(base, "another", "data")), { recursive: true });
  });
});
