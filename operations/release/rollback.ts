import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { databaseAccess, onDatabase } from "../database/access.ts";
import { overlapVariable } from "../coolify/move-all.ts";
import { BackupStore } from "../backup/backup-store.ts";
import { withConnection } from "../database/connection.ts";
import { checkContract, readLiveSchema, type ContractCheck } from "../database/contract.ts";
import { readFreezes } from "../database/freeze.ts";
import { readHistory } from "../database/history.ts";
import { operationsDatabase } from "../database/operations-database.ts";
import { throughTunnel } from "../database/reach.ts";
import { deadLock } from "../dead-lock.ts";
import { OperationError } from "../error.ts";
import { defaultHistoryTable } from "../migration/spec.ts";
import { pulumi } from "../pulumi.ts";
import { readStack, stackEnvironment, type StackOutputs } from "../stack.ts";
import { objectStorage } from "../storage.ts";
import type { Context } from "../verb.ts";
import { Ledger, attemptState, type Attempt } from "./ledger.ts";
import { decideRollback, type RollbackDecision, type RollbackQuestion } from "./rollback-decision.ts";
import { bringBack } from "./rollback-database.ts";
import { askVersion } from "./smoke.ts";
import type { ReleaseRecord } from "./spec.ts";

export interface RollbackRequest {
  readonly stack: string;
  /** A release of the ledger; the last known good one unless given. */
  readonly to?: string;
  readonly dryRun: boolean;
  /** The writes since the backup may be lost. */
  readonly restoreDatabase: boolean;
}

export const RollbackResult = z.strictObject({
  outcome: z.enum(["nothing-to-roll-back", "would-roll-back", "rolled-back"]),
  /** What served before, by the applications' own word. */
  from: z.string(),
  to: z.string().nullable(),
  /** What happens to the database before the applications move; null when nothing was done. */
  how: z.enum(["way-back", "applications-only", "revert", "restore"]).nullable(),
  /** Why nothing was done, or what the rollback does not take back. */
  reasons: z.array(z.string()),
  warnings: z.array(z.string()),
  /** From the command's start until every application answered three times in a row with the target's digest. */
  secondsToVerifiedDigest: z.number().nullable(),
  /** Until the smoke tests had passed and the ledger was written. */
  secondsInAll: z.number().nullable(),
});
export type RollbackResult = z.infer<typeof RollbackResult>;

const lastLookMs = 15_000;

/**
 * Goes back to an earlier release: decided on the live schema, carried out by `pulumi up` of the older record. Refused with its
 * reasons where the older code cannot live with the schema. What was newer and verified is quarantined.
 */
export async function rollBack(request: RollbackRequest, context: Context): Promise<RollbackResult> {
  const started = performance.now();
  const outputs = await readStack(request.stack, context);
  const env = stackEnvironment(outputs, context.env);
  const { bucket, environment } = outputs.targets;
  const ledger = new Ledger(objectStorage(env), { bucket, environment });
  const { question, newest, from } = await context.progress.step("what serves, and what the schema allows", () =>
    throughTunnel({ ...context, env }, (reached) => ask(request, outputs, ledger, reached)),
  );
  const decision = decideRollback(question);
  if (decision.action === "refuse") throw refusal(question, decision);
  const target = question.target;
  if (decision.action === "nothing" || target === null) {
    const reasons = decision.action === "nothing" ? decision.reasons : [];
    return RollbackResult.parse({
      outcome: "nothing-to-roll-back",
      from,
      to: target?.id ?? null,
      how: null,
      reasons,
      warnings: [],
      secondsToVerifiedDigest: null,
      secondsInAll: null,
    });
  }
  const result = {
    from,
    to: target.id,
    how: decision.action,
    reasons: [...decision.undone],
    warnings: [...decision.warnings],
  };
  if (request.dryRun) {
    return { ...result, outcome: "would-roll-back", secondsToVerifiedDigest: null, secondsInAll: null };
  }
  if (decision.action === "revert" || decision.action === "restore") {
    await throughTunnel({ ...context, env }, (reached) =>
      bringBack({ target, decision, outputs, holder: question.holder }, reached),
    );
  }
  const secondsToVerifiedDigest = await goBack(request.stack, target, outputs, context, started);
  if (newest !== null && attemptState(newest.events) === "verified" && newest.release !== target.id) {
    await ledger.close(newest.id, "rolled-back", `rolled back to ${target.id}`);
  }
  return { ...result, outcome: "rolled-back", secondsToVerifiedDigest, secondsInAll: seconds(started) };
}

/** Collects what the decision needs. */
async function ask(
  { to, restoreDatabase }: RollbackRequest,
  outputs: StackOutputs,
  ledger: Ledger,
  context: Context,
): Promise<{ question: RollbackQuestion; newest: Attempt | null; from: string }> {
  const newest = await ledger.newest();
  const running = await whatServes(outputs, context.signal);
  const bad = newest !== null && attemptState(newest.events) === "verified" ? newest.release : undefined;
  const target = to === undefined ? ((await ledger.lastKnownGood(bad))?.record ?? null) : await known(ledger, to);
  const live = await readDatabase(target, context);
  const releases = await allReleases(ledger);
  const records = new Map(releases.flatMap(({ migrations }) => migrations).map((one) => [one.name, one]));
  const missing = new Set(target?.migrations.map(({ name }) => name));
  const since = live.history.filter((name) => !missing.has(name));
  return {
    newest,
    from: running,
    question: {
      target,
      current: { id: running },
      contract: live.contract,
      since: since.map((name) => ({ name, record: records.get(name) ?? null })),
      holder: releases.findLast((record) => holdsAll(record, live.history)) ?? null,
      unverified: live.unverified,
      backup: await backupWithout(since, outputs, context),
      restoreDatabase,
    },
  };
}

/** The release that all applications answer as; a text that is no release id when they do not agree or do not answer. */
async function whatServes({ targets }: StackOutputs, signal: AbortSignal): Promise<string> {
  const answers = await Promise.all(
    targets.applications.map(async ({ name, url, versionPath }) => {
      const answer = await askVersion(`${url}${versionPath}`, signal);
      return { name, seen: typeof answer === "string" ? answer : answer.release };
    }),
  );
  const releases = new Set(answers.map(({ seen }) => seen));
  const [only] = releases;
  if (releases.size === 1 && only !== undefined) return only;
  return answers.map(({ name, seen }) => `${name}: ${seen}`).join(", ");
}

async function known(ledger: Ledger, id: string): Promise<ReleaseRecord> {
  const record = await ledger.readRelease(id);
  if (record !== null) return record;
  throw new OperationError("refused", {
    where: `rollback --to ${id}`,
    what: "names a release that is not in the ledger.",
    next: `Name one of: ${(await ledger.listReleases()).join(", ")}.`,
  });
}

async function readDatabase(
  target: ReleaseRecord | null,
  context: Context,
): Promise<{ history: string[]; contract: ContractCheck; unverified: string | null }> {
  const access = databaseAccess(context.env, "DATABASE_URL");
  const live = await withConnection(access, { applicationName: "affexai-rollback" }, async (client) => ({
    history: (await readHistory(client, defaultHistoryTable)).map(({ name }) => name),
    contract: checkContract(target?.contract ?? {}, await readLiveSchema(client)),
  }));
  const operations = onDatabase(access, operationsDatabase(access.database));
  const freezes = await withConnection(operations, { applicationName: "affexai-rollback" }, (client) =>
    readFreezes(client, access.database),
  );
  return { ...live, unverified: freezes.find(({ release }) => release !== null)?.release ?? null };
}

async function allReleases(ledger: Ledger): Promise<ReleaseRecord[]> {
  const records = await Promise.all((await ledger.listReleases()).map((id) => ledger.readRelease(id)));
  return records.flatMap((record) => (record === null ? [] : [record]));
}

function holdsAll({ migrations }: ReleaseRecord, history: readonly string[]): boolean {
  return history.every((name) => migrations.some((migration) => migration.name === name));
}

/** The newest backup that was taken before any of the migrations since. */
async function backupWithout(
  since: readonly string[],
  { targets }: StackOutputs,
  context: Context,
): Promise<RollbackQuestion["backup"]> {
  const store = new BackupStore(objectStorage(context.env), {
    bucket: targets.bucket,
    environment: targets.environment,
  });
  const manifests = await store.manifests();
  const before = manifests.filter(({ migrations }) => !migrations.some((name) => since.includes(name)));
  const newest = before.toSorted((one, other) => one.takenAt.localeCompare(other.takenAt)).at(-1);
  return newest === undefined ? null : { id: newest.id, takenAt: newest.takenAt };
}

function refusal(
  { target }: RollbackQuestion,
  decision: Extract<RollbackDecision, { action: "refuse" }>,
): OperationError {
  const restore =
    decision.restore === null
      ? "There is no backup from before these migrations; mend the newer release instead."
      : `Mend the newer release, or say --restore-database: backup ${decision.restore.backup} is restored first, which loses ${decision.restore.loses}.`;
  return new OperationError("refused", {
    where: `rollback to ${target?.id ?? "nothing"}`,
    what: `\n${decision.reasons.map((reason) => `  - ${reason}`).join("\n")}\n`,
    next: restore,
  });
}

/** Runs `pulumi up` of the older record, and watches the users' routes meanwhile. Returns the seconds until all served the digests. */
async function goBack(
  stack: string,
  target: ReleaseRecord,
  outputs: StackOutputs,
  context: Context,
  started: number,
): Promise<number | null> {
  const done = new AbortController();
  const watching = watchDigests(target, outputs, AbortSignal.any([done.signal, context.signal]), started);
  try {
    const run = await context.progress.step(`pulumi up of ${target.id}`, (progress) =>
      // The release passed the policies when it was released; a second program run would only cost time (decision 6).
      pulumi(["up", "--yes", "--skip-preview", "--suppress-outputs", "--stack", stack], {
        ...context,
        progress,
        env: { ...context.env, AFFEXAI_RELEASE: target.id, [overlapVariable]: "1" },
      }),
    );
    if (run.ok) {
      // The smoke tests have seen the release by now; a watch that has not is given a last chance.
      setTimeout(() => done.abort(), lastLookMs).unref();
      return await watching;
    }
    const refusal = deadLock(run, stack);
    if (refusal !== null) throw refusal;
    throw new OperationError("failed", {
      where: `rollback to ${target.id}`,
      what: `pulumi ended with ${run.exitCode ?? "a signal"}:\n${run.output.split("\n").slice(-40).join("\n")}\n`,
      next: "Read the lines above; the same command can be run again.",
    });
  } finally {
    done.abort();
    await watching;
  }
}

/** Seconds from `started` until every application has answered three times in a row with its digest; null when it was aborted before. */
async function watchDigests(
  target: ReleaseRecord,
  { targets }: StackOutputs,
  signal: AbortSignal,
  started: number,
): Promise<number | null> {
  const wanted = new Map(
    Object.entries(target.images).map(([name, image]) => [name, image.slice(image.indexOf("@") + 1)]),
  );
  try {
    for (let inARow = 0; ; await delay(200, undefined, { signal })) {
      const right = await Promise.all(
        targets.applications.map(async ({ name, url, versionPath }) => {
          const answer = await askVersion(`${url}${versionPath}`, signal);
          return typeof answer !== "string" && answer.release === target.id && answer.digest === wanted.get(name);
        }),
      );
      inARow = right.every(Boolean) ? inARow + 1 : 0;
      if (inARow >= 3) return seconds(started);
    }
  } catch (error) {
    if (signal.aborted) return null;
    throw error;
  }
}

function seconds(started: number): number {
  return Math.round((performance.now() - started) / 100) / 10;
}

/** The result for people. */
export function describeRollback(result: RollbackResult): string {
  const { outcome, from, to, reasons, warnings, secondsToVerifiedDigest, secondsInAll } = result;
  const before = {
    "applications-only": "applications only",
    "way-back": "the way back of the unverified migration, then the applications",
    revert: "migrations reverted, then the applications",
    restore: "a backup restored, then the applications",
  };
  const head = {
    "nothing-to-roll-back": `Nothing to roll back: ${from} serves.`,
    "would-roll-back": `Would roll back from ${from} to ${to ?? "nothing"}: ${before[result.how ?? "applications-only"]}.`,
    "rolled-back": `${to ?? "nothing"} serves again after ${secondsToVerifiedDigest ?? "?"} s (verified and recorded after ${secondsInAll ?? "?"} s).`,
  }[outcome];
  return [head, ...reasons.map((text) => `  ${text}`), ...warnings.map((text) => `  Watch: ${text}`)].join("\n");
}
