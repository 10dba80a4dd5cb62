import assert from "node:assert/strict";
import type { z } from "zod";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Octokit } from "octokit";
import { readLedgerHead, showRelease } from "../../../operations/release/ledger-verbs.ts";
import { recordRelease } from "../../../operations/release/record.ts";
import { Ledger } from "../../../operations/release/ledger.ts";
import { retireHistory } from "../../../operations/release/retire.ts";
import { LedgerEntrySpec } from "../../../operations/release/spec.ts";
import { silent } from "../../../operations/progress.ts";
import { objectStorage } from "../../../operations/storage.ts";
import { startGithub, type Github } from "../../../sandbox/github/server.ts";
import { record } from "../../release-record.ts";
import { openBucket } from "./bucket.ts";

const token = "github_pat_of_the_ledger_tests";
const repository = { owner: "affexai", repo: "affexai" };

describe("ledger record", () => {
  let bucket: Awaited<ReturnType<typeof openBucket>>;
  let dir: string;
  let running: Github;
  let github: Octokit;
  let env: Record<string, string>;
  let gitSha: string;
  let environments = 0;
  before(async () => {
    bucket = await openBucket();
    dir = await mkdtemp(join(tmpdir(), "affexai-github-"));
    running = await startGithub({ host: "127.0.0.1", port: 0, dir, token, owner: "affexai", repository: "affexai" });
    github = new Octokit({ baseUrl: running.url, auth: token });
    env = { ...bucket.env, GITHUB_TOKEN: token, GITHUB_API_URL: running.url };
    gitSha = (await github.rest.repos.getCommit({ ...repository, ref: "main" })).data.sha;
  });
  after(async () => {
    await running.close();
    await bucket.close();
    await rm(dir, { recursive: true, force: true });
  });

  const context = (changes: Record<string, string> = {}) => ({
    env: { ...env, ...changes },
    progress: silent,
    signal: new AbortController().signal,
  });
  const specOf = (change: Partial<z.input<typeof LedgerEntrySpec>> = {}) => {
    const environment = `ledger-${(environments += 1)}`;
    return LedgerEntrySpec.parse({
      record: { ...record, gitSha },
      stamp: { id: record.id, after: null },
      ledger: { bucket: "affexai-backups", environment },
      repository: "affexai/affexai",
      url: "https://affexai.example",
      after: [],
      ...change,
    });
  };
  const ledgerOf = (spec: z.output<typeof LedgerEntrySpec>) => new Ledger(objectStorage(env), spec.ledger);
  const deploymentsOf = async ({ ledger }: z.output<typeof LedgerEntrySpec>) =>
    (await github.rest.repos.listDeployments({ ...repository, environment: ledger.environment })).data;

  it("keeps the record, closes the attempt as verified, and shows it on GitHub with the address", async () => {
    const spec = specOf();
    const { attempt, verifiedAt } = await recordRelease.run(spec, context());
    assert.equal((await ledgerOf(spec).lastKnownGood())?.record.id, record.id);
    assert.equal(await ledgerOf(spec).closedAt(attempt, "verified"), verifiedAt);
    const [deployment, ...others] = await deploymentsOf(spec);
    assert.deepEqual([deployment?.sha, others], [gitSha, []]);
    const { data } = await github.rest.repos.listDeploymentStatuses({
      ...repository,
      deployment_id: deployment?.id ?? 0,
    });
    assert.deepEqual(
      data.map(({ state, environment_url }) => [state, environment_url]),
      [["success", "https://affexai.example"]],
    );
  });

  it("gives the same answer when it is run again, with one attempt and one deployment", async () => {
    const spec = specOf();
    const first = await recordRelease.run(spec, context());
    assert.deepEqual(await recordRelease.run(spec, context()), first);
    assert.equal((await ledgerOf(spec).history()).length, 1);
    assert.equal((await deploymentsOf(spec)).length, 1);
  });

  it("finds its own deployment on GitHub when a run died between the mirror and the ledger", async () => {
    const spec = specOf();
    const attempt = await ledgerOf(spec).joinAttempt(spec.stamp, "application apply");
    await github.rest.repos.createDeployment({
      ...repository,
      ...{ ref: gitSha, environment: spec.ledger.environment, auto_merge: false, required_contexts: [] },
      payload: "written by another tool, and no JSON",
    });
    await github.rest.repos.createDeployment({
      ...repository,
      ...{ ref: gitSha, environment: spec.ledger.environment, auto_merge: false, required_contexts: [] },
      payload: { attempt, release: record.id },
    });
    assert.equal((await recordRelease.run(spec, context())).attempt, attempt);
    assert.equal((await deploymentsOf(spec)).length, 2);
  });

  it("begins an attempt of its own for a release that comes back", async () => {
    const spec = specOf();
    await recordRelease.run(spec, context());
    const later = { ...spec, stamp: { id: "2026.11.2", after: null }, record: { ...spec.record, id: "2026.11.2" } };
    await recordRelease.run(later, context());
    assert.equal((await recordRelease.run(spec, context())).attempt, "000003");
    assert.equal((await ledgerOf(spec).lastKnownGood())?.record.id, record.id);
    assert.equal((await deploymentsOf(spec)).length, 3);
  });

  it("fails the attempt when GitHub refuses, and says that the release serves", async () => {
    const spec = specOf();
    await assert.rejects(recordRelease.run(spec, context({ GITHUB_TOKEN: "no-such-token" })), (error: Error) => {
      assert.match(
        error.message,
        /GitHub deployments of affexai\/affexai: .*Bad credentials.* The release serves; check the token's rights/,
      );
      assert.doesNotMatch(error.message, /no-such-token/);
      return true;
    });
    assert.deepEqual((await ledgerOf(spec).newest())?.events, ["begun", "failed"]);
    await assert.rejects(recordRelease.run(specOf(), context({ GITHUB_TOKEN: "" })), /GITHUB_TOKEN: is not set/);
  });

  it("refuses other content under a recorded id before it begins an attempt", async () => {
    const spec = specOf({ repository: undefined });
    await recordRelease.run(spec, context());
    const other = { ...spec, record: { ...spec.record, maintenance: true }, stamp: { ...spec.stamp, after: "000001" } };
    await assert.rejects(recordRelease.run(other, context()), /is in the ledger already, with other content/);
    assert.equal((await ledgerOf(spec).history()).length, 1);
  });

  it("needs no GitHub where no repository is named", async () => {
    const spec = specOf({ repository: undefined });
    assert.equal((await recordRelease.run(spec, context({ GITHUB_TOKEN: "" }))).attempt, "000001");
  });

  it("tells the program the newest attempt, and that there is no bucket yet", async () => {
    const spec = specOf();
    await ledgerOf(spec).joinAttempt(spec.stamp, "migration run");
    const head = await readLedgerHead.run(spec.ledger, context());
    assert.deepEqual(
      [head.bucketExists, head.after, head.newest?.release, head.newest?.state],
      [true, "000001", record.id, "open"],
    );
    const none = { bucket: "no-such-bucket", environment: "x" };
    assert.deepEqual(await readLedgerHead.run(none, context()), {
      ...{ bucketExists: false, after: null, newest: null, verified: [] },
    });
  });

  it("tells the program the newest two releases that were verified, those that were rolled back too", async () => {
    const spec = specOf({ repository: undefined });
    const ledger = ledgerOf(spec);
    const served = async (id: string, ...events: ("verified" | "failed" | "rolled-back")[]) => {
      const [made] = record.migrations;
      await ledger.putRelease({ ...spec.record, id, migrations: [{ ...made, name: `Of${id}` }] });
      const attempt = await ledger.joinAttempt({ id, after: null }, "migration run");
      for (const event of events) await ledger.close(attempt, event, "a test");
    };
    const verified = async () => (await readLedgerHead.run(spec.ledger, context())).verified;
    assert.deepEqual(await verified(), []);
    await served("1", "verified");
    await served("2", "verified", "rolled-back");
    await served("3", "failed");
    const [second, first] = ["2", "1"].map((release) => ({ release, migrations: [`Of${release}`] }));
    assert.deepEqual(await verified(), [second, first]);
    await served("1", "verified");
    assert.deepEqual(await verified(), [first, second]);
  });

  it("shows a recorded release, and names those there are for one that is not", async () => {
    const spec = specOf({ repository: undefined });
    await assert.rejects(
      showRelease.run({ ...spec.ledger, id: "gone" }, context()),
      /Name a release record's file instead/,
    );
    await recordRelease.run(spec, context());
    assert.deepEqual(await showRelease.run({ ...spec.ledger, id: record.id }, context()), spec.record);
    await assert.rejects(showRelease.run({ ...spec.ledger, id: "gone" }, context()), {
      kind: "refused",
      message: /release gone: is not in the ledger of ledger-\d+\. Name one of: 2026\.11\.1/,
    });
  });

  it("is retired without a change", async () => {
    const spec = specOf({ repository: undefined });
    await recordRelease.run(spec, context());
    assert.deepEqual(await retireHistory.run(spec, context()), { retired: false });
    assert.equal((await ledgerOf(spec).lastKnownGood())?.record.id, record.id);
  });
});
