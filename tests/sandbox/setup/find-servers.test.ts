import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findPostgres, findRedis } from "../../../sandbox/setup/find-servers.ts";

describe("the search for the servers' programs", () => {
  let folder = "";
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "affexai-find-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function install(home: string, ...programs: string[]): Promise<string> {
    const bin = join(folder, home);
    await mkdir(bin, { recursive: true });
    for (const program of programs) await writeFile(join(bin, program), "", { mode: 0o755 });
    return bin;
  }
  const all = ["initdb", "postgres", "pg_dump", "pg_restore", "psql"];

  it("takes the newest PostgreSQL where several versions are installed side by side", async () => {
    await install("9/bin", ...all);
    const newest = await install("16/bin", ...all);
    await install("17/bin", "psql", "pg_dump");
    const homes = [{ parent: folder, version: /^(\d+)$/, bin: "bin" }];
    assert.equal(await findPostgres("/nowhere", homes), newest);
  });

  it("takes PostgreSQL from PATH only where one folder has all its programs", async () => {
    const clientOnly = await install("client", "psql", "pg_dump", "pg_restore");
    const complete = await install("complete", ...all);
    assert.equal(await findPostgres(`${clientOnly}:${complete}`, []), complete);
    assert.equal(await findPostgres(clientOnly, []), null);
  });

  it("takes redis-server, or valkey-server where that is what there is", async () => {
    const valkey = await install("valkey", "valkey-server");
    assert.equal(await findRedis(valkey, []), join(valkey, "valkey-server"));
    const redis = await install("redis", "redis-server");
    assert.equal(await findRedis(`${valkey}:${redis}`, []), join(redis, "redis-server"));
    assert.equal(await findRedis("/nowhere", []), null);
  });
});
