import { BackupStore } from "../backup/backup-store.ts";
import { runAccess, type RunAccess } from "../database/access.ts";
import { readFreezes, type Freeze } from "../database/freeze.ts";
import { LockHeld, withLock, type Run } from "../database/lock.ts";
import { recoverDeadRuns, type Inherited, type Recovered } from "../database/recovery.ts";
import { JournalCopy } from "../journal-copy.ts";
import { Ledger, attemptState } from "../release/ledger.ts";
import { objectStorage } from "../storage.ts";
import type { Context, Verb } from "../verb.ts";
import { inImage } from "./image-runner.ts";
import { closeWindow } from "./maintenance-window.ts";
import type { ScriptFor } from "./revert.ts";
import { settle } from "./settle.ts";
import { ResumeResult, ResumeSpec } from "./spec.ts";

/**
 * Looks after a database that nobody looks after any more: a run that was killed (its journal is open and the lock free), a release that
 * was frozen and never verified within its lease, a freeze that outlived its lease. Gets rid of orphans first, then decides in the safe
 * direction: a verified release is let write; an unverified one's schema stays where the release that serves can live with it and nothing
 * was lost; otherwise the way back is taken. Nobody is left frozen, unless the way back itself failed: it is tried again at each call.
 * For an agent to call whenever it likes, and for people.
 */
export const resumeDeadRun: Verb<typeof ResumeSpec, typeof ResumeResult> = {
  spec: ResumeSpec,
  result: ResumeResult,
  run: (spec, context) => resume(spec, context),
};

/** `resumeDeadRun`, with the way in which scripts are run inside images. */
export async function resume(
  spec: ResumeSpec,
  context: Context,
  scriptFor: ScriptFor = inImage,
): Promise<ResumeResult> {
  const access = runAccess(context.env);
  try {
    return await withLock(access.migrator, (run) => resumeUnderLock({ spec, access, run, scriptFor }, context));
  } catch (error) {
    if (error instanceof LockHeld) return { state: "busy", settled: [], unfrozen: false, page: [] };
    throw error;
  }
}

interface Resumption {
  readonly spec: ResumeSpec;
  readonly access: RunAccess;
  readonly run: Run;
  readonly scriptFor: ScriptFor;
}

async function resumeUnderLock(resumption: Resumption, context: Context): Promise<ResumeResult> {
  const { spec, access, run } = resumption;
  const { database } = access.migrator;
  const storage = objectStorage(context.env);
  const ledger = new Ledger(storage, spec.ledger);
  const frozenBefore = await readFreezes(run.client, database);
  const recovered = await recoverDeadRuns(run, access.migrator, context, {
    copy: new JournalCopy(storage, spec.ledger, context.progress),
    maintenance: spec.maintenance,
    isVerified: async (attempt) => attemptState((await ledger.attempt(attempt)).events) === "verified",
  });
  const { inheritance } = recovered;
  const settled: ResumeResult["settled"] = recovered.ended.map(({ run: id, release, outcome }) => ({
    ...{ run: id, release },
    outcome: outcome === "abandoned" ? ("nothing-to-undo" as const) : outcome,
  }));
  const page = settled.map(({ run: id, release, outcome }) => ended(id, release, outcome));
  if (inheritance !== null && isUnderWay(inheritance, frozenBefore)) {
    return { state: "busy", settled, unfrozen: false, page };
  }
  if (inheritance !== null) {
    const { outcome, text, unfinished } = await settleDead(resumption, { recovered, inheritance, ledger }, context);
    settled.push({ run: inheritance.runs.at(-1) ?? "", release: inheritance.release, outcome });
    page.push(text);
    if (unfinished) return { state: "resumed", settled, unfrozen: false, page };
  }
  for (const freeze of await readFreezes(run.client, database)) {
    if (freeze.app !== spec.app || !(freeze.leaseEnded || inheritance !== null)) continue;
    const window = { freeze: { database, app: freeze.app }, maintenance: spec.maintenance };
    await closeWindow(run.client, window, context);
    page.push(
      `The freeze of ${freeze.app}'s writes ${forWhom(freeze)} was lifted: its lease ended ${freeze.leaseUntil}.`,
    );
  }
  const unfrozen = frozenBefore.length > (await readFreezes(run.client, database)).length;
  return { state: page.length > 0 ? "resumed" : frozenBefore.length > 0 ? "busy" : "idle", settled, unfrozen, page };
}

/** Its migration is through, and its rollout may still be going on. */
function isUnderWay({ held, release }: Inherited, freezes: readonly Freeze[]): boolean {
  return held && freezes.some((freeze) => freeze.release === release && !freeze.leaseEnded);
}

async function settleDead(
  { spec, access, run, scriptFor }: Resumption,
  { recovered, inheritance, ledger }: { recovered: Recovered; inheritance: Inherited; ledger: Ledger },
  context: Context,
) {
  const store = new BackupStore(objectStorage(context.env), spec.ledger);
  const serving = (await ledger.lastKnownGood())?.record ?? null;
  const { outcome, state, next, unfinished } = await settle(
    { run, access, recovered, store, ledger, app: spec.app, serving, scriptFor },
    context,
  );
  if (inheritance.attempt !== null) await ledger.close(inheritance.attempt, "failed", state);
  const what = inheritance.held ? "was never verified within its lease" : "was killed while it migrated";
  return {
    outcome,
    unfinished: unfinished === true,
    text: `Release ${inheritance.release ?? "unknown"} ${what}. ${state}${next === undefined ? "" : ` ${next}`}`,
  };
}

function ended(run: string, release: string | null, outcome: string): string {
  const of = release === null ? "" : ` of release ${release}`;
  return `Run ${run}${of} did not end by itself: ${outcome === "done" ? "its release was verified, and may write" : outcome.replaceAll("-", " ")}.`;
}

function forWhom({ release, run }: Freeze): string {
  return release === null ? run : `for release ${release}`;
}
