import assert from "node:assert/strict";
import { buckets } from "./contract/buckets.ts";
import { listings } from "./contract/listings.ts";
import { multipart } from "./contract/multipart.ts";
import { objectLock } from "./contract/object-lock.ts";
import { objects } from "./contract/objects.ts";
import type { Subject } from "./contract/subject.ts";
import { versions } from "./contract/versions.ts";
import { motoDiffers } from "./moto-differences.ts";
import { installMoto, startMoto } from "./moto.ts";
import { s3Client, startForTest } from "./storage.ts";

const chapters = {
  buckets,
  objects,
  versions,
  listings,
  "multipart uploads": multipart,
  "object lock": objectLock,
};

describe("S3, the sandbox's object storage", () => {
  let subject: Subject & { stop: () => Promise<void> };
  before(async () => {
    subject = await startForTest();
  });
  after(() => subject.stop());

  for (const [chapter, clauses] of Object.entries(chapters)) {
    describe(chapter, () => {
      for (const { title, check } of clauses) it(title, () => check(subject));
    });
  }
});

const missing = await installMoto();

// The same clauses against an independent implementation. Where it differs from what S3's documentation says, the difference is
// recorded in moto-differences.ts, and the test fails as soon as it is gone.
describe(`S3, moto${missing === null ? "" : ` (not run, it cannot be installed here: ${missing})`}`, () => {
  if (missing !== null) {
    for (const { title } of Object.values(chapters).flat()) it(title);
    return;
  }
  let subject: Subject & { stop: () => Promise<void> };
  before(async () => {
    const { url, stop } = await startMoto();
    subject = { url, stop, client: s3Client(url) };
  });
  after(() => subject.stop());

  for (const [chapter, clauses] of Object.entries(chapters)) {
    describe(chapter, () => {
      for (const { title, check } of clauses) {
        const difference = motoDiffers[title];
        if (difference === undefined) it(title, () => check(subject));
        else it(`${title}: not so, ${difference.moto}`, () => assert.rejects(check(subject)));
      }
    });
  }

  it("has no recorded difference that is about nothing", () => {
    const titles = Object.values(chapters).flatMap((clauses) => clauses.map(({ title }) => title));
    assert.deepEqual(
      Object.keys(motoDiffers).filter((title) => !titles.includes(title)),
      [],
    );
  });
});
