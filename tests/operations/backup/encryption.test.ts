import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { buffer } from "node:stream/consumers";
import { type Duplex, PassThrough, pipeline, Readable } from "node:stream";
import { generateHybridIdentity, generateIdentity, identityToRecipient } from "age-encryption";
import {
  assertOpens,
  decryption,
  encryption,
  encryptionOf,
  encryptText,
  type Encryption,
} from "../../../operations/backup/encryption.ts";
import { OperationError } from "../../../operations/error.ts";

describe("the encryption of backups", () => {
  const to = async (...identities: string[]): Promise<Encryption> => ({
    kind: "age",
    recipients: await Promise.all(identities.map((identity) => identityToRecipient(identity))),
  });
  const through = (source: Iterable<Uint8Array> | AsyncIterable<Uint8Array>, stage: Duplex) => {
    const end = new PassThrough();
    pipeline([Readable.from(source), stage, end], () => undefined);
    return buffer(end);
  };
  const encrypted = (plain: Uint8Array, how: Encryption) => through([plain], encryption(how));
  const decrypted = async (stored: Iterable<Uint8Array> | AsyncIterable<Uint8Array>, identity: string) =>
    through(stored, decryption("dump.age", { BACKUP_IDENTITY: identity }));
  const refused = (kind: string, message: RegExp) => (error: unknown) => {
    assert.ok(error instanceof OperationError, String(error));
    assert.equal(error.kind, kind);
    assert.match(error.message, message);
    return true;
  };

  it("gives back what it was given, to each of its recipients, whatever the length", async () => {
    const identities = [await generateIdentity(), await generateHybridIdentity()];
    const how = await to(...identities);
    for (const length of [0, 1, 65_536, 200_000]) {
      const plain = randomBytes(length);
      const stored = await encrypted(plain, how);
      for (const identity of identities) assert.deepEqual(await decrypted([stored], identity), plain);
    }
  });

  it("finds every changed, missing or added byte", async () => {
    const identity = await generateIdentity();
    const stored = await encrypted(randomBytes(200_000), await to(identity));
    const flipped = (at: number) => {
      const copy = Buffer.from(stored);
      copy[at] = (copy[at] ?? 0) ^ 1;
      return copy;
    };
    for (const damaged of [
      flipped(30),
      flipped(stored.length - 100_000),
      flipped(stored.length - 1),
      stored.subarray(0, 100_000),
      stored.subarray(0, 100),
      Buffer.concat([stored, Buffer.from("x")]),
    ]) {
      await assert.rejects(decrypted([damaged], identity), refused("failed", /^dump\.age: is damaged/));
    }
  });

  it("passes a failure of its source on as it is", async () => {
    const identity = await generateIdentity();
    const stored = await encrypted(randomBytes(200_000), await to(identity));
    const broken = new Error("the connection broke");
    async function* source() {
      yield await Promise.resolve(stored.subarray(0, 100_000));
      throw broken;
    }
    await assert.rejects(decrypted(source(), identity), broken);
  });

  it("is told by BACKUP_RECIPIENTS, and none when that is not set", async () => {
    const { recipients } = await to(await generateIdentity(), await generateIdentity());
    assert.equal(encryptionOf({}), null);
    assert.equal(encryptionOf({ BACKUP_RECIPIENTS: "" }), null);
    assert.deepEqual(encryptionOf({ BACKUP_RECIPIENTS: recipients.join(", ") }), { kind: "age", recipients });
  });

  it("refuses what is no public key, naming all of them and never a private one", async () => {
    const identity = await generateIdentity();
    assert.throws(
      () => encryptionOf({ BACKUP_RECIPIENTS: `age1nonsense,${identity},ssh-ed25519` }),
      (error: unknown) => {
        assert.ok(error instanceof OperationError);
        assert.match(error.message, /no public key of age: age1nonsense, AGE-…, ssh-…/);
        assert.doesNotMatch(error.message, new RegExp(identity.slice(10)));
        return true;
      },
    );
  });

  it("refuses a missing, malformed or wrong private key before anything is read", async () => {
    const [identity, stranger] = [await generateIdentity(), await generateIdentity()];
    const how = await to(identity);
    const stored = await encryptText("CREATE ROLE app;", how);
    const opens = (BACKUP_IDENTITY?: string) =>
      assertOpens("dump.age", stored.slice(0, 65_536), how, { BACKUP_IDENTITY });
    await opens(`# created: today\n# public key: ${how.recipients.join()}\n${identity}\n`);
    await opens(`${stranger},${identity}`);
    await assert.rejects(opens(), refused("refused", /^BACKUP_IDENTITY: is not set/));
    await assert.rejects(opens("AGE-SECRET-KEY-1NONSENSE"), refused("usage", /no private key of age/));
    await assert.rejects(
      opens(stranger),
      refused("refused", new RegExp(`does not open dump\\.age, which is encrypted to ${how.recipients.join()}`)),
    );
  });
});
