import assert from "node:assert/strict";
import { DeleteObjectCommand } from "@aws-sdk/client-s3";
import { withIdentity } from "../../../operations/agent/settings.ts";
import { lookEveryMs } from "../../../operations/agent/worker.ts";
import { freezeWrites, isFrozen } from "../../../operations/database/freeze.ts";
import { operationsDatabase } from "../../../operations/database/operations-database.ts";
import { run } from "../../../operations/process.ts";
import { objectStorage } from "../../../operations/storage.ts";
import { until } from "../../sandbox/coolify/fixture.ts";
import { AgentProcess } from "./agent-process.ts";
import { openSite, type Site } from "./site.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

describe("the agent", () => {
  let site: Site;
  beforeEach(async () => {
    site = await openSite();
  });

  const summaryOf = (job: string) => site.pages.find((page) => page.job === job)?.summary ?? "";
  const counts = async () => [(await site.backups("daily")).length, (await site.backups("hourly")).length];

  it("takes what is due once, proves it, tells its figures, and ends with 0", async () => {
    const started = new Date();
    const agent = await AgentProcess.start(site.env, started);
    await agent.done("expire");
    assert.deepEqual(await counts(), [1, 1]);
    assert.equal((await agent.get("/health/ready")).status, 200);
    const [daily] = await site.backups("daily");
    assert.equal(await agent.metric('affexai_backup_size_bytes{reason="daily"}'), daily?.dump.bytes);
    assert.equal(await agent.metric("affexai_agent_turn"), 1);
    assert.equal(await agent.metric('affexai_agent_job_runs_total{job="drill"}'), 1);
    assert.equal(await agent.metric('affexai_agent_job_failures_total{job="prune"}'), 0);
    assert.ok(((await agent.metric("affexai_drill_restore_seconds")) ?? 0) > 0);

    expectParsed(await agent.get("/metrics"));

    // Locked as long as it is kept, and not for the day that the bucket locks by itself.
    assert.ok(daily);
    const lockedDays = (Date.parse(daily.lockedUntil) - Date.parse(daily.startedAt)) / (24 * hourMs);
    assert.equal(Math.round(lockedDays * 10) / 10, 14);
    const pruner = objectStorage(withIdentity(site.env, "pruner"));
    for (const { key, versionId } of [daily.dump, daily.globals]) {
      const version = { Bucket: site.database.bucket, Key: key, VersionId: versionId ?? "" };
      await assert.rejects(pruner.send(new DeleteObjectCommand(version)), { name: "AccessDenied" });
    }

    // Looked again, and found that nothing was due.
    agent.tell(new Date(started.getTime() + 6 * minuteMs));
    await agent.done("inspect");
    assert.deepEqual(await counts(), [1, 1]);

    // Missed twice, made up once.
    await site.age(2.5 * hourMs);
    agent.tell(new Date(started.getTime() + 12 * minuteMs));
    await agent.done("backup-hourly", 2);
    agent.tell(new Date(started.getTime() + 18 * minuteMs));
    await agent.done("inspect", 3);
    assert.equal((await site.backups("hourly")).length, 2);
    assert.equal(await agent.stop(), 0);
    assert.deepEqual(
      agent.lines.filter(({ level }) => level === "error"),
      [],
    );
  });

  it("writes metrics that promtool has nothing against", async function () {
    const promtool = await run({ file: "promtool", arguments: ["--version"], timeoutMs: 10_000 }).catch(() => null);
    if (promtool === null) {
      console.log("        pending: promtool is not installed on this machine");
      return this.skip();
    }
    const agent = await AgentProcess.start(site.env, new Date());
    await agent.done("expire");
    const { body } = await agent.get("/metrics");
    await run({ file: "promtool", arguments: ["check", "metrics"], input: body, timeoutMs: 10_000 });
    await agent.stop();
  });

  it("gives one complete backup when it was killed in the middle of one, and none twice", async () => {
    const now = new Date();
    const first = await AgentProcess.start(site.env, now, "dump");
    assert.equal(await first.died(), "SIGKILL");
    assert.deepEqual(await counts(), [0, 0]);
    const second = await AgentProcess.start(site.env, now);
    await second.done("expire");
    await second.stop();
    assert.deepEqual(await counts(), [1, 1]);
  });

  it("lets one of two agents work, and the other take over when that one is killed", async () => {
    const now = new Date();
    const [one, other] = await Promise.all([AgentProcess.start(site.env, now), AgentProcess.start(site.env, now)]);
    const working = await until("one at work", async () => {
      for (const agent of [one, other])
        if ((await agent.metric('affexai_agent_job_runs_total{job="expire"}')) === 1) return agent;
      return undefined;
    });
    const standing = working === one ? other : one;
    assert.deepEqual(await counts(), [1, 1]);
    assert.equal(await standing.metric("affexai_agent_turn"), 0);
    assert.equal((await standing.get("/health/ready")).status, 200);
    working.child.kill("SIGKILL");
    await working.died();
    standing.tell(new Date(now.getTime() + minuteMs));
    await standing.done("expire");
    assert.equal(await standing.metric("affexai_agent_turn"), 1);
    assert.deepEqual(await counts(), [1, 1]);
    await standing.stop();
  });

  it("pages once when a job fails, goes on with the others, and ends a freeze that nobody looks after", async () => {
    const now = new Date();
    const { database } = site;
    const freeze = { database: database.name, app: database.roles.app };
    const client = await database.connect("migrator", operationsDatabase(database.name));
    const lease = { run: "by hand", release: null, attempt: null, seconds: 0 };
    await freezeWrites(client, freeze, lease, database.context());
    const agent = await AgentProcess.start({ ...site.env, BACKUP_WRITER_SECRET_ACCESS_KEY: "not-the-secret" }, now);
    await agent.done("expire");
    await agent.done("resume");
    // A backup that met the resume at work on the same database was put off until the next look.
    agent.tell(new Date(now.getTime() + lookEveryMs));
    await agent.done("backup-daily");
    await agent.done("backup-hourly");
    // A failure counts before somebody is told.
    await until("three pages", () => Promise.resolve(site.pages.length === 3));
    const pagedBackups = site.pages.map(({ job }) => job).filter((job) => job !== "resume");
    assert.deepEqual(pagedBackups.sort(), ["backup-daily", "backup-hourly"]);
    assert.match(summaryOf("backup-daily"), /backup-daily failed: ledger in bucket/);
    assert.match(summaryOf("resume"), /The freeze of .* was lifted/);
    assert.equal(await isFrozen(client, freeze), false);
    assert.equal(await agent.metric("affexai_freezes"), 0);
    await client.end();
    agent.tell(new Date(now.getTime() + 3 * minuteMs));
    await agent.done("backup-daily", 2);
    await agent.done("backup-hourly", 2);
    assert.equal(site.pages.length, 3);
    assert.equal(await agent.metric('affexai_agent_job_failures_total{job="backup-daily"}'), 2);
    assert.equal(await agent.stop(), 0);
    assert.doesNotMatch(JSON.stringify(agent.lines), /not-the-secret|a-password-of-the-tests/);
  });
});

/** Every line of the text is a comment or a sample in Prometheus' text format, and every sample's metric is explained. */
function expectParsed({ status, body }: { status: number; body: string }): void {
  assert.equal(status, 200);
  const explained = new Set(
    [...body.matchAll(/^# HELP (\w+) .+\n# TYPE \1 (?:gauge|counter)$/gm)].map(([, name]) => name),
  );
  for (const line of body.split("\n").filter((one) => one !== "" && !one.startsWith("#"))) {
    const [, name] = /^(affexai_\w+)(?:\{(?:\w+="[^"]*",?)+\})? -?\d+(?:\.\d+)?(?:e[+-]\d+)?$/.exec(line) ?? [];
    assert.ok(explained.has(name), line);
  }
}
