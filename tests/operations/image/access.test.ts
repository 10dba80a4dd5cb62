import assert from "node:assert/strict";
import { imageAccess } from "../../../operations/image/access.ts";

describe("access to images", () => {
  it("takes credentials and the cache's folder from the environment", () => {
    const env = { REGISTRY_USERNAME: "robot", REGISTRY_PASSWORD: "pass", AFFEXAI_CACHE_DIR: "/cache" };
    assert.deepEqual(imageAccess(env), { credentials: { username: "robot", password: "pass" }, cacheDir: "/cache" });
  });

  it("takes the engine and its network from the environment that it is given", () => {
    const env = { AFFEXAI_CACHE_DIR: "/cache", DOCKER_HOST: "tcp://127.0.0.1:7305", AFFEXAI_IMAGE_NETWORK: "coolify" };
    assert.deepEqual(imageAccess(env), { cacheDir: "/cache", dockerHost: "tcp://127.0.0.1:7305", network: "coolify" });
    assert.deepEqual(imageAccess({ ...env, DOCKER_HOST: "", AFFEXAI_IMAGE_NETWORK: "" }), { cacheDir: "/cache" });
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
