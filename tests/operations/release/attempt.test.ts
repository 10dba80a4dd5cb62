import assert from "node:assert/strict";
import { OperationError } from "../../../operations/error.ts";
import { failAttemptOnError } from "../../../operations/release/attempt.ts";
import { Ledger } from "../../../operations/release/ledger.ts";
import { objectStorage } from "../../../operations/storage.ts";

describe("an attempt that fails while its ledger cannot be reached", () => {
  // Nothing listens on port 1.
  const storage = objectStorage({
    AWS_ENDPOINT_URL: "http://127.0.0.1:1",
    AWS_REGION: "eu-central-1",
    AWS_ACCESS_KEY_ID: "nobody",
    AWS_SECRET_ACCESS_KEY: "nobody",
  });
  const ledger = new Ledger(storage, { bucket: "backups", environment: "sandbox" });
  const failWith = (error: Error) => failAttemptOnError(ledger, "000007", () => Promise.reject(error));
  const note = /^.* The ledger could not be told \(.*127\.0\.0\.1:1.*\): attempt 000007 stays open\./;

  it("says why it failed first, then that it stays open", async () => {
    const text = { where: "backend", what: "never got ready.", next: "Read its log." };
    await assert.rejects(failWith(new OperationError("failed", text)), (error) => {
      assert.ok(error instanceof OperationError);
      assert.equal(error.kind, "failed");
      assert.match(error.message, /^backend: never got ready\. The ledger .* Read its log\.$/);
      assert.match(error.message, note);
      return true;
    });
  });

  it("keeps the stack of a bug", async () => {
    const bug = new TypeError("x is not a function");
    await assert.rejects(failWith(bug), (error) => {
      assert.equal(error, bug);
      assert.match(bug.message, /^x is not a function The ledger could not be told/);
      return true;
    });
  });
});
