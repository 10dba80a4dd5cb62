import assert from "node:assert/strict";
import { imagePinnedByDigest } from "../../policy/image-pinned-by-digest.ts";
import { application, migration, withProperty } from "./declared.ts";
import { unknown, violations } from "./violations.ts";

const wanted = "image must be <registry>/<repository>@sha256:<64 hex digits>.";

describe("image-pinned-by-digest", () => {
  it("allows images by digest", async () => {
    assert.deepEqual(await violations(imagePinnedByDigest, application), []);
    assert.deepEqual(await violations(imagePinnedByDigest, migration), []);
  });

  for (const image of [
    "ghcr.io/affexai/backend:1.2.3",
    "ghcr.io/affexai/backend",
    `ghcr.io/affexai/backend@sha256:${"a".repeat(63)}`,
    `ghcr.io/affexai/backend@sha256:${"a".repeat(64)}0`,
    `evil ghcr.io/affexai/backend@sha256:${"a".repeat(64)}`,
    "",
    undefined,
  ]) {
    it(`refuses ${image ?? "no image at all"}`, async () => {
      assert.deepEqual(await violations(imagePinnedByDigest, withProperty(application, "image", image)), [
        `backend: ${wanted}`,
      ]);
      assert.deepEqual(await violations(imagePinnedByDigest, withProperty(migration, "image", image)), [
        `migration: ${wanted}`,
      ]);
    });
  }

  it("refuses an image that a preview cannot know", async () => {
    for (const shown of [application, migration]) {
      const [message, ...others] = await violations(imagePinnedByDigest, withProperty(shown, "image", unknown));
      assert.match(message ?? "", /\.image can't be known during preview/);
      assert.deepEqual(others, []);
    }
  });

  it("refuses an application that is told another digest, or none", async () => {
    for (const digest of [`sha256:${"b".repeat(64)}`, undefined]) {
      assert.deepEqual(
        await violations(imagePinnedByDigest, withProperty(application, "variables.AFFEXAI_IMAGE_DIGEST", digest)),
        [
          "backend: variables.AFFEXAI_IMAGE_DIGEST must be the digest of image: it is how a running version is recognised.",
        ],
      );
    }
  });

  it("refuses migrations from another image than the release's", async () => {
    const other = `ghcr.io/affexai/backend@sha256:${"e".repeat(64)}`;
    assert.deepEqual(await violations(imagePinnedByDigest, withProperty(migration, "image", other)), [
      "migration: image must be the backend's image of the release record: its migrations were read from there.",
    ]);
  });
});
