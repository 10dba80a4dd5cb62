import assert from "node:assert/strict";
import { RunError } from "@pulumi/pulumi";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LedgerHead } from "../../operations/release/spec.ts";
import { declareRelease, type ReleaseSources } from "../../stacks/release.ts";
import { record } from "../release-record.ts";

const location = { bucket: "affexai-backups", environment: "staging" };
const older = { ...record, id: "2026.10.4" };

function sources(given: {
  named?: string;
  head?: Partial<LedgerHead>;
  ledger?: Record<string, typeof record>;
  output?: unknown;
}): ReleaseSources {
  return {
    named: given.named,
    ledger: {
      head: async () => ({ bucketExists: true, after: null, newest: null, verified: [], ...given.head }),
      show: async (_location, id) => {
        const found = given.ledger?.[id];
        if (found === undefined) throw new RunError(`no release ${id}`);
        return found;
      },
    },
    lastOutput: async () => given.output,
  };
}

const attempt = (state: "open" | "failed" | "verified" | "rolled-back") => ({
  attempt: "000007",
  release: "2026.11.1",
  state,
  at: "2026-11-23T17:00:00Z",
});

async function refusal(given: Parameters<typeof sources>[0]): Promise<string> {
  const error: unknown = await declareRelease(location, sources(given)).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof RunError, "it was not refused");
  return error.message;
}

describe("the declared release", () => {
  let folder: string;
  let file: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "affexai-release-"));
    file = join(folder, "release.json");
    await writeFile(file, JSON.stringify(record));
  });
  after(() => rm(folder, { recursive: true }));

  it("is the named one, from the ledger", async () => {
    const declared = await declareRelease(
      location,
      sources({ named: older.id, ledger: { [older.id]: older as typeof record }, output: record }),
    );
    assert.deepEqual(declared, { record: older, stamp: { id: older.id, after: null }, previous: null });
  });

  it("is the named one, from a file, also where there is no ledger yet", async () => {
    const declared = await declareRelease(location, sources({ named: file, head: { bucketExists: false } }));
    assert.deepEqual(declared, { record, stamp: { id: record.id, after: null }, previous: null });
  });

  it("comes with the newest verified release other than itself, so that a second run declares the same", async () => {
    const verified = [record.id, older.id].map((release) => ({ release, migrations: [`Of${release}`] }));
    const declaredAs = (named: string) =>
      declareRelease(
        location,
        sources({ named, ledger: { [older.id]: older as typeof record, [record.id]: record }, head: { verified } }),
      );
    assert.deepEqual((await declaredAs(record.id)).previous, verified[1]);
    assert.deepEqual((await declaredAs(older.id)).previous, verified[0]);
  });

  for (const state of ["verified", "rolled-back"] as const) {
    it(`is what the stack has when nobody names one and the last attempt is ${state}`, async () => {
      const declared = await declareRelease(
        location,
        sources({ output: record, head: { newest: attempt(state), after: "000003" } }),
      );
      assert.deepEqual(declared, { record, stamp: { id: record.id, after: "000003" }, previous: null });
    });
  }

  for (const [state, words] of [
    ["open", "did not end"],
    ["failed", "failed"],
  ] as const) {
    it(`is refused without a name while the last attempt is ${state}, and says what to name`, async () => {
      assert.equal(
        await refusal({ named: "  ", output: record, head: { newest: attempt(state), after: "000007" } }),
        `The last attempt (000007, release 2026.11.1) ${words}, so keeping "what runs" would be a guess. ` +
          "Name a release: AFFEXAI_RELEASE=2026.11.1 tries it again, AFFEXAI_RELEASE=<older id> or `affexai rollback` goes back.",
      );
    });

    it(`may be named while the last attempt is ${state}, and carries its id`, async () => {
      const { stamp } = await declareRelease(
        location,
        sources({ named: file, head: { newest: attempt(state), after: "000007" } }),
      );
      assert.deepEqual(stamp, { id: record.id, after: "000007" });
    });
  }

  it("is refused on a stack that never had one", async () => {
    assert.match(await refusal({}), /staging: no release was ever deployed here\. Name one: AFFEXAI_RELEASE=/);
  });

  it("is refused when the file is not there, is not JSON, or is not a record", async () => {
    assert.match(await refusal({ named: join(folder, "none.json") }), /cannot be read \(ENOENT\)\. Make it with/);
    const text = join(folder, "text.json");
    await writeFile(text, "not json");
    assert.match(await refusal({ named: text }), /is not JSON/);
    await writeFile(text, JSON.stringify({ ...record, images: { backend: "ghcr.io/x/y:latest" }, extra: 1 }));
    const message = await refusal({ named: text });
    assert.match(message, /images\.backend/);
    assert.match(message, /images\.frontend/);
    assert.match(message, /extra/);
  });

  it("is refused when the name is neither an id nor a file, and when the stack's output is no record", async () => {
    assert.match(await refusal({ named: "Release One" }), /must be a release's id or the path of its \.json file/);
    assert.match(await refusal({ output: { id: "x" } }), /the stack's output `release`: is not a release record/);
  });
});
