import assert from "node:assert/strict";
import { imageAccess } from "../../../operations/image/access.ts";

describe("access to images", () => {
  it("takes credentials and the cache's folder from the environment", () => {
    const env = { REGISTRY_USERNAME: "robot", REGISTRY_PASSWORD: "pass", AFFEXAI_CACHE_DIR: "/cache" };
    assert.deepEqual(imageAccess(env), { credentials: { username: "robot", password: "pass" }, cacheDir: "/cache" });
  });

  it("is anonymous without credentials, with a cache in the home folder", () => {
    const access = imageAccess({ REGISTRY_USERNAME: "", REGISTRY_PASSWORD: "" });
    assert.equal(access.credentials, undefined);
    assert.match(access.cacheDir, /[/\\]\.cache[/\\]affexai$/);
  });

  it("refuses half of the credentials", () => {
    assert.throws(
      () => imageAccess({ REGISTRY_USERNAME: "robot" }),
      /REGISTRY_USERNAME is set without REGISTRY_PASSWORD/,
    );
    assert.throws(
      () => imageAccess({ REGISTRY_PASSWORD: "hush-hush" }),
      (error: Error) => {
        assert.match(error.message, /REGISTRY_PASSWORD is set without REGISTRY_USERNAME/);
        assert.doesNotMatch(error.message, /hush-hush/);
        return true;
      },
    );
  });
});
