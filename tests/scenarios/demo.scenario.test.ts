import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { exitCodes } from "../../operations/error.ts";
import { lines } from "../../operations/progress-lines.ts";
import type { Progress } from "../../operations/progress.ts";
import { silent } from "../../operations/progress.ts";
import { pulumi } from "../../operations/pulumi.ts";
import { Ledger, attemptState } from "../../operations/release/ledger.ts";
import { programFolder, readStack } from "../../operations/stack.ts";
import { objectStorage } from "../../operations/storage.ts";
import { waitFor } from "../../operations/wait.ts";
import { answerOf } from "../../sandbox/demo/chapters/first-release.ts";
import { contextOf, pulumiOn, serving, upArguments, type Stage } from "../../sandbox/demo/stage.ts";
import { tellStory, type DemoResult } from "../../sandbox/demo/story.ts";
import { sandboxDown } from "../../sandbox/verbs/down.ts";
import { withTools } from "./tools.ts";

/** Shown with --reporter spec when a scenario takes its minutes; the tests' own output stays readable without it. */
const progress: Progress = process.env["AFFEXAI_TEST_PROGRESS"] ? lines((line) => console.error(line)) : silent;

describe("the platform, end to end", () => {
  let stage: Stage;
  let result: DemoResult;
  const signal = new AbortController().signal;

  before(async () => {
    const folder = join(programFolder, ".sandbox", "scenario");
    ({ stage, result } = await tellStory(
      { keep: true },
      { env: { ...process.env, AFFEXAI_SANDBOX_DIR: folder }, signal, progress },
    ));
  });

  after(async () => {
    if (stage !== undefined) await sandboxDown(contextOf(stage, progress));
  });

  const claims = [
    "the first release serves, from nothing",
    "the preview shows digests, migrations with their SQL and class, and the policies' verdict",
    "a release under load loses no request",
    "a release that never gets ready is held at the gate, and nobody notices",
    "after a gated failure there is nothing to roll back",
    "a migration that would destroy data is refused in advance",
    "a migration that fails half-way is taken all the way back",
    "the strategy's scripts lose data in a migration that fails half-way",
    "a migration that destroys data is caught, and taken back",
    "the strategy's scripts lose data in a migration that destroys data",
    "a rollback goes back to the exact digests in under two minutes and loses no request",
    "synchronize=true is refused by policy",
    "a setting edited by hand is reported as drift, that and nothing else, and put back without losing a request",
    "bare Coolify defaults lose requests in the same release",
    "bare Coolify defaults report a crashing release as finished",
  ];
  for (const name of claims) {
    it(name, () => {
      const claim = result.claims.find((one) => one.name === name);
      assert.ok(claim, `not told; the story ended with: ${JSON.stringify(result.claims.at(-1))}`);
      assert.ok(claim.ok, `${claim.problem ?? ""}\n${JSON.stringify(claim.figures)}`);
    });
  }

  it("tells nothing else", () => {
    assert.deepEqual(
      result.claims.map(({ name }) => name),
      claims,
    );
  });

  it("changes nothing in a second up of the same release", async () => {
    const run = await pulumiOn(stage, [...upArguments, "--expect-no-changes"], undefined, progress);
    assert.ok(run.ok, run.output.slice(-3000));
  });

  it("finds no drift on an untouched platform", async () => {
    const context = contextOf(stage, progress);
    const run = await pulumi(
      ["refresh", "--preview-only", "--expect-no-changes", "--run-program", "--stack", stage.stack],
      context,
    );
    assert.ok(run.ok, run.output.slice(-3000));
    // Its exit code is 0 only where all of it was looked at and nothing was found.
    const { outcome } = JSON.parse((await affexai("drift")).stdout) as { outcome: string };
    assert.equal(outcome, "clean");
  });

  const affexai = (...args: string[]) =>
    promisify(execFile)(process.execPath, ["operations/cli.ts", ...args, "--stack", stage.stack, "--json"], {
      cwd: programFolder,
      env: { ...stage.env },
    });

  it("takes a backup, lists it, verifies it, and restores it beside", async () => {
    const created = JSON.parse((await affexai("backup", "create")).stdout) as { id: string; rows: number };
    const { backups } = JSON.parse((await affexai("backup", "list")).stdout) as { backups: { id: string }[] };
    assert.ok(backups.some(({ id }) => id === created.id));
    const verified = JSON.parse((await affexai("backup", "verify", created.id)).stdout) as { verified: boolean };
    assert.equal(verified.verified, true);
    const restored = JSON.parse((await affexai("backup", "restore", created.id, "--dry-run")).stdout) as {
      rows: number;
    };
    assert.equal(restored.rows, created.rows);
  });

  it("prunes with the keys of the stack's pruner, which alone may delete: nothing has had its time", async () => {
    const pruned = JSON.parse((await affexai("backup", "prune")).stdout) as { deleted: string[]; kept: number };
    assert.deepEqual(pruned.deleted, []);
    assert.ok(pruned.kept > 0, "no backup was seen");
  });

  it("drills the newest backup, and finds the live database sound and not frozen", async () => {
    const drilled = JSON.parse((await affexai("backup", "drill")).stdout) as { id: string };
    const { backups } = JSON.parse((await affexai("backup", "list", "--all")).stdout) as {
      backups: { id: string; lastDrill: { proven: boolean } | null }[];
    };
    assert.deepEqual(
      backups.filter(({ lastDrill }) => lastDrill?.proven).map(({ id }) => id),
      [drilled.id],
    );
    // Its exit code is 0 only where nothing was found.
    await affexai("database", "verify", "--amcheck");
    assert.equal((JSON.parse((await affexai("freeze", "status")).stdout) as { frozen: boolean }).frozen, false);
  });

  it("plans the migrations of a release that destroys data, and refuses it by its exit code", async () => {
    const last = stage.releases.at(-1);
    assert.ok(last);
    await assert.rejects(affexai("migration", "plan", "--backend", last.file), (error: { code?: number }) => {
      assert.equal(error.code, exitCodes.refused);
      return true;
    });
  });

  it("brings up release 2 with the agent, which takes and proves the backup of the hour, and the maintenance application", async () => {
    const [, second] = stage.releases;
    assert.ok(second);
    // From here on every run has them: also the one that is killed, and the one that repairs.
    stage = await withTools(stage, progress);
    const up = await pulumiOn(stage, upArguments, second.file, progress);
    assert.ok(up.ok, up.output.slice(-3000));
    assert.equal(await serving(stage.urls.frontend, signal), answerOf(second.record, "frontend"), "maintenance is off");
    const { targets } = await readStack(stage.stack, contextOf(stage, progress));
    assert.equal(targets.maintenance?.url, stage.urls.frontend);
    const metrics = await waitFor<string>(
      {
        what: "a drill in the agent's metrics",
        timeoutMs: 60_000,
        intervalMs: 250,
        next: "See the log of the application backup-agent.",
        async look() {
          const text = await (await fetch("http://backup-agent:8080/metrics")).text();
          return /^affexai_drill_rto_seconds \d/m.test(text)
            ? { done: true, value: text }
            : { done: false, seen: text };
        },
      },
      { progress, signal },
    );
    assert.match(metrics, /^affexai_backup_size_bytes\{reason="hourly"\} \d+$/m);
    assert.match(metrics, /^affexai_agent_job_failures_total\{job="backup-hourly"\} 0$/m);
    assert.match(metrics, /^affexai_agent_turn 1$/m);
    const { backups } = JSON.parse((await affexai("backup", "list")).stdout) as { backups: { reason: string }[] };
    assert.ok(backups.some(({ reason }) => reason === "hourly"));
  });

  it("serves release 2 again after release 3 was killed with -9 half-way and release 2 was brought up", async () => {
    const [, second, third] = stage.releases;
    assert.ok(second && third);
    const ledger = await ledgerOf(stage);
    const before = await ledger.newest();

    const child = spawn("pulumi", [...upArguments, "--non-interactive", "--skip-preview", "--stack", stage.stack], {
      cwd: programFolder,
      env: { ...stage.env, AFFEXAI_RELEASE: third.file },
      stdio: "ignore",
    });
    const ended = once(child, "exit");
    // Half-way: the migration has run, and Coolify is replacing the backend.
    await waitFor<true>(
      {
        what: "an open attempt of release 3 whose backend is being deployed",
        timeoutMs: 180_000,
        intervalMs: 500,
        next: "See what pulumi does.",
        async look() {
          const newest = await ledger.newest();
          if (newest === null || newest.id === before?.id) return { done: false, seen: "no new attempt" };
          const deploying = await deployments(stage);
          return deploying > 0 ? { done: true, value: true } : { done: false, seen: "no deployment" };
        },
      },
      { progress, signal },
    );
    child.kill("SIGKILL");
    await ended;
    const open = await ledger.newest();
    assert.equal(open?.release, third.record.id);
    assert.equal(attemptState(open.events), "open");
    assert.equal(await serving(stage.urls.backend, signal), answerOf(second.record, "backend"));

    const refused = await pulumiOn(stage, ["preview"], undefined, progress);
    assert.equal(refused.ok, false, "a run without a name must not guess while an attempt is open");
    assert.match(refused.output, /AFFEXAI_RELEASE=release-3/);

    const unlock = await pulumi(["cancel", "--yes", stage.stack], contextOf(stage, progress));
    assert.ok(unlock.ok, unlock.output);
    const repaired = await pulumiOn(stage, upArguments, second.record.id, progress);
    assert.ok(repaired.ok, repaired.output.slice(-3000));
    assert.equal(await serving(stage.urls.backend, signal), answerOf(second.record, "backend"));
    assert.equal(await serving(stage.urls.frontend, signal), answerOf(second.record, "frontend"));
    const newest = await ledger.newest();
    assert.equal(newest?.release, second.record.id);
    assert.equal(newest.after, open.id);
    assert.equal(attemptState(newest.events), "verified");
  });

  it("leaves no generated secret in plain state, and no secret in any log", async () => {
    const outputs = await readStack(stage.stack, contextOf(stage, progress));
    const secrets = [
      ...[outputs.databaseUrl, outputs.backupDatabaseUrl, outputs.adminDatabaseUrl].map((url) => new URL(url).password),
      ...["COOLIFY_TOKEN", "AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "REGISTRY_PASSWORD"].map((name) => stage.env[name]),
    ];
    const generated = await generatedSecrets(stage);
    // Three roles, two databases and the tokens' secret; the keys of backups' three identities and of the media.
    assert.equal(generated.length, 10);
    secrets.push(...generated);
    const state = join(stage.folder, "pulumi-state");
    const files = [...(await filesBelow(state)), ...(await filesBelow(join(stage.folder, "logs")))];
    assert.ok(files.length > 10);
    for (const secret of secrets) {
      assert.ok(secret && secret.length > 10);
      for (const file of files) {
        const text = await readFile(file, "utf8");
        assert.ok(!text.includes(secret), `a secret stands in ${file}`);
      }
    }
  });
});

async function ledgerOf(stage: Stage): Promise<Ledger> {
  const { targets } = await readStack(stage.stack, contextOf(stage, silent));
  return new Ledger(objectStorage(stage.env), { bucket: targets.bucket, environment: targets.environment });
}

/** What providers made up: passwords and access keys, as the stack's state keeps them encrypted. */
async function generatedSecrets(stage: Stage): Promise<string[]> {
  const { stdout } = await promisify(execFile)(
    "pulumi",
    ["stack", "export", "--show-secrets", "--non-interactive", "--stack", stage.stack],
    { cwd: programFolder, env: { ...stage.env }, maxBuffer: 32 * 1024 * 1024 },
  );
  const { deployment } = JSON.parse(stdout) as {
    deployment: { resources: { type: string; outputs?: Record<string, { plaintext?: string }> }[] };
  };
  const secretOf: Record<string, string> = {
    "random:index/randomPassword:RandomPassword": "result",
    "aws:iam/accessKey:AccessKey": "secret",
  };
  return deployment.resources.flatMap(({ type, outputs }) => {
    const key = secretOf[type];
    return key === undefined ? [] : [JSON.parse(outputs?.[key]?.plaintext ?? '""') as string];
  });
}

/** How many deployments Coolify has queued or in progress. */
async function deployments(stage: Stage): Promise<number> {
  const response = await fetch(`${stage.env["COOLIFY_URL"] ?? ""}/api/v1/deployments`, {
    headers: { authorization: `Bearer ${stage.env["COOLIFY_TOKEN"] ?? ""}` },
  });
  return Object.keys((await response.json()) as object).length;
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}
