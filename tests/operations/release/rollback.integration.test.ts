import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { run } from "../../../operations/process.ts";
import { Ledger } from "../../../operations/release/ledger.ts";
import { describeRollback, rollBack } from "../../../operations/release/rollback.ts";
import type { ReleaseRecord } from "../../../operations/release/spec.ts";
import { objectStorage } from "../../../operations/storage.ts";
import { programPath } from "../../../sandbox/setup/program-path.ts";
import { record } from "../../release-record.ts";
import { environment, type Environment } from "../database/support/platform.ts";
import { serve, type VersionServer } from "./version-server.ts";

// The decision and everything it asks: a stack's outputs through the real pulumi, the ledger, the schema, and what serves.
describe("rollback", () => {
  let dir: string;
  let database: Environment;
  let env: Record<string, string>;
  let backend: VersionServer;
  let serving: string;
  let ledger: Ledger;
  let stacks = 0;
  let stack: string;

  before(async function () {
    this.timeout(120_000);
    dir = await mkdtemp(join(tmpdir(), "affexai-rollback-"));
    await mkdir(join(dir, "state"));
    await mkdir(join(dir, "program"));
    await writeFile(join(dir, "program/Pulumi.yaml"), "name: affexai\nruntime: nodejs\n");
    database = await environment();
    env = {
      ...database.env,
      PATH: await programPath(process.env.PATH ?? ""),
      HOME: dir,
      PULUMI_HOME: join(dir, "pulumi"),
      PULUMI_BACKEND_URL: pathToFileURL(join(dir, "state")).href,
      PULUMI_CONFIG_PASSPHRASE: "of-the-tests",
      PULUMI_SKIP_UPDATE_CHECK: "1",
    };
    await database.sql("migrator", "CREATE TABLE migrations (id serial PRIMARY KEY, timestamp bigint, name varchar)");
    await database.sql("migrator", "CREATE TABLE users (id uuid PRIMARY KEY)");
    await database.sql(
      "migrator",
      "INSERT INTO migrations (timestamp, name) VALUES (1, $1), (2, 'AddNames1700000000001')",
      [record.migrations[0].name],
    );
    backend = await serve(() => ({
      body: { release: serving, digest: `sha256:${"a".repeat(64)}`, gitSha: record.gitSha },
    }));
  });
  beforeEach(async function () {
    this.timeout(120_000);
    stack = `rollback-${(stacks += 1)}`;
    ledger = new Ledger(objectStorage(env), { bucket: database.bucket, environment: stack });
    await importStack();
  });
  after(async () => {
    await backend.close();
    await rm(dir, { recursive: true, force: true });
  });

  const pulumi = (...args: string[]) =>
    run({
      file: "pulumi",
      arguments: [...args, "--non-interactive"],
      cwd: join(dir, "program"),
      env,
      timeoutMs: 60_000,
      signal: new AbortController().signal,
    });

  /** A stack as a finished `pulumi up` leaves it. */
  async function importStack(): Promise<void> {
    await pulumi("stack", "init", stack);
    const application = { name: "backend", url: backend.url, image: record.images.backend, versionPath: "/version" };
    const outputs = {
      release: record,
      targets: {
        environment: stack,
        bucket: database.bucket,
        database: database.name,
        roles: database.roles,
        applications: [{ ...application, uuids: ["a-1"] }],
        criticalPaths: [],
        migrations: { imageRuntime: "unpacked", nodePath: "node", dataSource: "dist/data-source.js" },
      },
      databaseUrl: env.DATABASE_URL,
      backupDatabaseUrl: env.BACKUP_DATABASE_URL,
      adminDatabaseUrl: env.ADMIN_DATABASE_URL,
    };
    const resource = {
      urn: `urn:pulumi:${stack}::affexai::pulumi:pulumi:Stack::affexai-${stack}`,
      custom: false,
      type: "pulumi:pulumi:Stack",
      outputs,
    };
    const manifest = { time: new Date().toISOString(), magic: "", version: "v3.259.0" };
    const file = join(dir, `${stack}.json`);
    // Without the engine's checksum of the manifest; hence --force.
    await writeFile(file, JSON.stringify({ version: 3, deployment: { manifest, resources: [resource] } }));
    await pulumi("stack", "import", "--force", "--stack", stack, "--file", file);
  }

  const release = (id: string, change: Partial<ReleaseRecord> = {}): ReleaseRecord => ({ ...record, id, ...change });
  async function attempt(releaseRecord: ReleaseRecord, end: "verified" | "failed"): Promise<void> {
    await ledger.putRelease(releaseRecord);
    await ledger.close(await ledger.joinAttempt({ id: releaseRecord.id, after: null }, "test"), end, "");
  }
  const ask = (to?: string) =>
    rollBack(
      { stack, ...(to === undefined ? {} : { to }), dryRun: true, restoreDatabase: false },
      database.context({ env }),
    );
  const newer = release("release-2", {
    migrations: [...record.migrations, { ...record.migrations[0], name: "AddNames1700000000001", downProven: false }],
  });

  it("has nothing to do after a gated failure: the last known good release is what serves", async () => {
    await attempt(release("release-1"), "verified");
    await attempt(release("release-3"), "failed");
    serving = "release-1";
    const result = await ask();
    assert.equal(result.outcome, "nothing-to-roll-back");
    assert.match(describeRollback(result), /^Nothing to roll back: release-1 serves\./);
  });

  it("has nothing to go back to when no other release was ever verified", async () => {
    await attempt(release("release-1"), "verified");
    serving = "release-1";
    const { outcome, reasons } = await ask();
    assert.equal(outcome, "nothing-to-roll-back");
    assert.deepEqual(reasons, ["The ledger knows no earlier release that was verified."]);
  });

  it("would go back to the release before, and says which migrations stay", async () => {
    await attempt(release("release-1"), "verified");
    await attempt(newer, "verified");
    serving = "release-2";
    const result = await ask();
    assert.deepEqual(
      [result.outcome, result.from, result.to, result.secondsInAll],
      ["would-roll-back", "release-2", "release-1", null],
    );
    assert.deepEqual(result.reasons, ["The schema keeps AddNames1700000000001."]);
    assert.equal((await ledger.history()).length, 2, "asking records nothing");
  });

  it("refuses a release whose code cannot live with the schema, with the reason and what a restore takes", async () => {
    const column = { type: "text", nullable: false, insertable: true };
    const contract = { users: { columns: { ...record.contract.users.columns, nickname: column } } };
    await attempt(release("release-1", { contract }), "verified");
    await attempt(newer, "verified");
    serving = "release-2";
    await assert.rejects(ask(), {
      kind: "refused",
      message:
        /rollback to release-1: \n {2}- Release release-1 cannot run on this schema: [^]*nickname[^]*AddNames1700000000001 has a down that was never proven[^]*There is no backup from before/,
    });
  });

  it("names the releases there are when the one asked for is not in the ledger", async () => {
    await attempt(release("release-1"), "verified");
    serving = "release-1";
    await assert.rejects(ask("release-9"), {
      kind: "refused",
      message: /rollback --to release-9: names a release that is not in the ledger\. Name one of: release-1\./,
    });
  });

  it("goes by what serves, not by how the newest attempt ended", async () => {
    await attempt(release("release-1"), "verified");
    await attempt(newer, "failed");
    serving = "release-2";
    const result = await ask();
    assert.deepEqual([result.outcome, result.from, result.to], ["would-roll-back", "release-2", "release-1"]);
  });
});
