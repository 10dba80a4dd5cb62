import assert from "node:assert/strict";
import { LedgerEntry, type LedgerEntryArgs } from "../../components/ledger-entry.ts";
import { deploy, mockEngine, unknown, valueOf } from "../pulumi.ts";
import { record } from "../release-record.ts";
import { specOf } from "./placement.ts";

const args: LedgerEntryArgs = {
  record,
  stamp: { id: record.id, after: null },
  ledger: { bucket: "affexai-backups", environment: "staging" },
  repository: "affexai/affexai",
  url: "https://staging.affexai.com",
  app: "affexai_app",
  maintenance: { uuid: "m-1", url: "https://staging.affexai.com" },
  databaseUrl: "postgresql://migrator:pw@pg/affexai",
  after: ["000001"],
};

describe("a ledger entry", () => {
  it("records the release after its smoke test, and only then is it the stack's release", async () => {
    const engine = await mockEngine({
      outputs: { "entry-record": { stdout: '{"attempt":"000001","verifiedAt":"2026-11-23T17:00:00Z"}' } },
    });
    const entry = await deploy(() => new LedgerEntry("entry", args));
    const { app, maintenance, databaseUrl, ...spec } = args;
    assert.deepEqual(specOf(engine.named("entry-record")), { ...spec, window: { app, maintenance } });
    assert.deepEqual(engine.named("entry-record").inputs["environment"], { DATABASE_URL: databaseUrl });
    assert.deepEqual(engine.named("entry").secrets, ["databaseUrl"]);
    assert.deepEqual(await valueOf(entry.release), record);
  });

  it("has no release while its recording is not known to have worked", async () => {
    await mockEngine({ outputs: { "entry-record": { stdout: unknown } }, preview: true });
    const entry = await deploy(() => new LedgerEntry("entry", args));
    assert.equal(await valueOf(entry.release), undefined);
  });
});
