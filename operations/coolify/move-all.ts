import { OperationError } from "../error.ts";
import { redactor } from "../redact.ts";
import type { Context } from "../verb.ts";
import { holdCanary } from "./canary.ts";
import { digestOf, isRunning, looksSettled, servedDigest } from "./plan.ts";
import type { Found } from "./replicas.ts";
import { isSettled, keepReplica, moveReplica, readActual, type Moved, type Rollout } from "./rollout.ts";
import { follow, leavesDefinition, moveBack, whatServes } from "./way-back.ts";

/** Set by `affexai rollback` for the run that it starts: no replica waits for the one before to be verified. A property of the run, never of a stack. */
export const overlapVariable = "AFFEXAI_ROLLOUT_OVERLAP";

/** Moves all replicas and returns their uuids, in the order of their numbers. */
export async function moveAll(rollout: Rollout, wanted: readonly Found[], context: Context): Promise<string[]> {
  const uuids = new Map<number, string>();
  const moved: Moved[] = [];
  try {
    const settled = await findSettled(rollout, wanted);
    for (const found of settled) {
      await keepReplica(rollout, found.replica, found.row, context);
      uuids.set(found.replica.number, found.row.uuid);
    }
    // Those that serve before those that are new: the count only grows when the release is known to be good.
    const left = wanted.filter(({ replica }) => !uuids.has(replica.number));
    const ordered = [...left.filter(serves), ...left.filter((found) => !serves(found))];
    if (context.env[overlapVariable] === "1") await moveOverlapping(rollout, ordered, context, { uuids, moved });
    else {
      for (const [place, found] of ordered.entries()) {
        await moveOne(rollout, found, context, { uuids, moved });
        if (place === 0) await holdCanary(rollout, wanted, moved, context);
      }
    }
  } catch (error) {
    if (context.signal.aborted) throw error;
    throw await undo(rollout, { wanted, moved }, error, context);
  }
  return [...uuids].sort(([one], [other]) => one - other).map(([, uuid]) => uuid);
}

function serves({ row }: Found): boolean {
  return row !== null && isRunning(row);
}

/**
 * The replicas that need no change, by the environment's list, which shows neither variables nor all settings: one of them is read in full,
 * and when that one differs, so is every other. An unchanged application costs four requests, whatever its replicas.
 */
async function findSettled(
  rollout: Rollout,
  wanted: readonly Found[],
): Promise<(Found & { row: NonNullable<Found["row"]> })[]> {
  const { spec, values, applications } = rollout;
  const candidates = wanted.flatMap(({ row, ...found }) => {
    if (row === null || found.busy) return [];
    const others = applications.filter(({ uuid }) => uuid !== row.uuid);
    return looksSettled(spec, found.replica, values, row, others) ? [{ ...found, row }] : [];
  });
  const [first] = candidates;
  if (first === undefined) return [];
  const actual = await readActual(rollout, first.row.uuid);
  return isSettled(rollout, first.replica, actual) ? candidates : [];
}

interface Progress {
  readonly uuids: Map<number, string>;
  readonly moved: Moved[];
}

async function moveOne(
  rollout: Rollout,
  found: Found,
  context: Context,
  { uuids, moved }: Progress,
  onDeployed?: () => void,
): Promise<void> {
  const { spec } = rollout;
  await context.progress.step(
    `${spec.name}: replica ${found.replica.number} of ${spec.replicas} to ${spec.stamp?.id ?? digestOf(spec.image)}`,
    async (progress) => {
      const onChange = (change: Moved) => moved.push(change);
      uuids.set(
        found.replica.number,
        await moveReplica(rollout, found, { ...context, progress }, { onChange, onDeployed }),
      );
    },
  );
}

/**
 * One deployment after another, and each replica verified while the next one is deployed. Never two deployments together: a container that
 * gets healthy makes the proxy reload, which marks every server up until its next check, and an old one that ends just then would be asked
 * after its end. All of them have ended when it throws, so that what goes back is known.
 */
async function moveOverlapping(
  rollout: Rollout,
  ordered: readonly Found[],
  context: Context,
  progress: Progress,
): Promise<void> {
  let before: Promise<void> = Promise.resolve();
  const ended = await Promise.allSettled(
    ordered.map((found) => {
      const deployed = Promise.withResolvers<void>();
      const move = before.then(() => moveOne(rollout, found, context, progress, deployed.resolve));
      // One that fails before it is deployed lets none follow.
      move.then(deployed.resolve, deployed.reject);
      before = deployed.promise;
      // The last one's is awaited by nobody, and a rejection that nobody takes would end the process in the middle of the way back.
      before.catch(() => undefined);
      return move;
    }),
  );
  for (const end of ended) if (end.status === "rejected") throw end.reason;
}

/** Goes back, newest first, and returns the error to throw: why it failed, and what serves now. */
async function undo(
  rollout: Rollout,
  { wanted, moved }: { wanted: readonly Found[]; moved: readonly Moved[] },
  error: unknown,
  context: Context,
): Promise<OperationError> {
  const outcomes: string[] = [];
  const attempt = async (name: string, title: string, work: (context: Context) => Promise<string>) => {
    try {
      outcomes.push(await context.progress.step(title, (progress) => work({ ...context, progress })));
    } catch (second) {
      const reason = second instanceof Error ? second.message : String(second);
      outcomes.push(`${name} could not be put back: ${reason}`);
    }
  };
  for (const one of moved.toReversed()) {
    const { name } = one.replica;
    await attempt(name, `${name}: back to what it was`, (step) => moveBack(rollout, one, step));
  }
  const left = moved.find(leavesDefinition);
  for (const { replica, row } of moved.length === 0 ? [] : wanted) {
    if (row === null || !isRunning(row)) continue;
    const own = moved.find((one) => one.replica.number === replica.number);
    if (left !== undefined && (own === undefined || !leavesDefinition(own))) {
      await attempt(replica.name, `${replica.name}: to the routes of those that went back`, (step) =>
        follow(rollout, { replica, row }, left, step),
      );
    } else if (own === undefined) {
      outcomes.push(
        `${replica.name} was not touched and serves ${await whatServes(rollout.spec, replica, servedDigest(row), context)}`,
      );
    }
  }
  const cause = error instanceof Error ? error.message : String(error);
  // The log's tail is the application's own words, and the message goes into the ledger.
  const redact = redactor(context.env);
  return new OperationError(
    moved.length === 0 && error instanceof OperationError ? error.kind : "failed",
    {
      where: `application ${rollout.spec.name}${rollout.spec.stamp === null ? "" : `, release ${rollout.spec.stamp.id}`}`,
      what: redact(`${cause}\nNow: ${outcomes.join("; ") || "nothing was changed"}.`),
      next: "Mend the release and release it under a new id, or name the last known good one.",
    },
    { cause: error },
  );
}
