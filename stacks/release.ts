import * as pulumi from "@pulumi/pulumi";
import { readFile } from "node:fs/promises";
import { z } from "zod";
import {
  type LedgerHead,
  type LedgerLocation,
  ReleaseId,
  ReleaseRecord,
  type ReleaseStamp,
  type VerifiedRelease,
} from "../operations/release/spec.ts";
import type { LedgerReader } from "./ledger.ts";

/** The release that this run declares, and the stamp that its commands carry. */
export interface DeclaredRelease {
  readonly record: ReleaseRecord;
  readonly stamp: ReleaseStamp;
  /** The release before it, whose migrations the database has; null for an environment's first one. */
  readonly previous: VerifiedRelease | null;
}

export interface ReleaseSources {
  /** `AFFEXAI_RELEASE`: a release's id in the ledger, or the path of a release record's file. */
  readonly named: string | undefined;
  readonly ledger: LedgerReader;
  /** The release in the stack's own last outputs; undefined on a stack that never had one. */
  readonly lastOutput: () => Promise<unknown>;
}

/**
 * Decides which release this run deploys: the named one, or else the one that the stack already has, so that a run without a name
 * never moves the application. Throws a RunError, before anything is declared, when that would be a guess.
 */
export async function declareRelease(location: LedgerLocation, sources: ReleaseSources): Promise<DeclaredRelease> {
  const named = sources.named?.trim() ?? "";
  const [head, record] = await Promise.all([
    sources.ledger.head(location),
    named === "" ? keptRelease(sources.lastOutput) : namedRelease(named, location, sources.ledger),
  ]);
  if (named === "") refuseToGuess(head);
  if (record === null) {
    throw new pulumi.RunError(
      `${location.environment}: no release was ever deployed here. Name one: AFFEXAI_RELEASE=<release.json> pulumi up`,
    );
  }
  // Also when the declared one serves already, so that a run that changes nothing declares what the last one did.
  const previous = head.verified.find(({ release }) => release !== record.id) ?? null;
  return { record, stamp: { id: record.id, after: head.after }, previous };
}

function refuseToGuess({ newest, after }: LedgerHead) {
  if (newest === null || (newest.state !== "open" && newest.state !== "failed")) return;
  const state = newest.state === "open" ? "did not end" : "failed";
  throw new pulumi.RunError(
    `The last attempt (${after ?? newest.attempt}, release ${newest.release}) ${state}, so keeping "what runs" would be a guess. ` +
      `Name a release: AFFEXAI_RELEASE=${newest.release} tries it again, AFFEXAI_RELEASE=<older id> or \`affexai rollback\` goes back.`,
  );
}

async function namedRelease(named: string, location: LedgerLocation, ledger: LedgerReader): Promise<ReleaseRecord> {
  if (!named.endsWith(".json") && !named.includes("/")) {
    if (ReleaseId.safeParse(named).success) return ledger.show(location, named);
    throw new pulumi.RunError(
      `AFFEXAI_RELEASE: must be a release's id or the path of its .json file. Look one up with \`affexai release list\`.`,
    );
  }
  const text = await readFile(named, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new pulumi.RunError(
      `AFFEXAI_RELEASE: ${named} cannot be read (${error.code ?? "unknown error"}). Make it with \`affexai release create\`.`,
    );
  });
  return checked(named, () => JSON.parse(text));
}

async function keptRelease(lastOutput: ReleaseSources["lastOutput"]): Promise<ReleaseRecord | null> {
  const output = await lastOutput();
  return output === undefined || output === null ? null : checked("the stack's output `release`", () => output);
}

function checked(where: string, read: () => unknown): ReleaseRecord {
  let value: unknown;
  try {
    value = read();
  } catch {
    throw new pulumi.RunError(`${where}: is not JSON. Make it again with \`affexai release create\`.`);
  }
  const record = ReleaseRecord.safeParse(value);
  if (record.success) return record.data;
  throw new pulumi.RunError(
    `${where}: is not a release record.\n${z.prettifyError(record.error)}\nMake it again with \`affexai release create\`.`,
  );
}

/**
 * The release in the stack's own last outputs. Read with the engine's invoke, because a StackReference to the stack itself is a
 * resource and would show as drift after each release.
 */
export async function lastOutputOfThisStack(): Promise<unknown> {
  const name = `${pulumi.getOrganization()}/${pulumi.getProject()}/${pulumi.getStack()}`;
  const result: unknown = await pulumi.runtime.invoke("pulumi:pulumi:readStackOutputs", { name });
  const shape = z.object({ outputs: z.record(z.string(), z.unknown()).optional() }).safeParse(result);
  return shape.data?.outputs?.["release"];
}
