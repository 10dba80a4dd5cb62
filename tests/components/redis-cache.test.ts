import assert from "node:assert/strict";
import { isSecret } from "@pulumi/pulumi";
import { RedisCache } from "../../components/redis-cache.ts";
import { deploy, mockEngine, valueOf } from "../pulumi.ts";
import { placement, specOf } from "./placement.ts";

describe("a Redis cache", () => {
  it("on Coolify is applied with a generated password, and protected with it", async () => {
    const engine = await mockEngine({
      outputs: { "cache-apply": { stdout: '{"uuid":"r-1","host":"redis","port":6379}' } },
    });
    const cache = await deploy(
      () => new RedisCache("cache", { kind: "coolify", placement, cache: "affexai-redis", image: "redis:7-alpine" }),
    );
    const command = engine.named("cache-apply");
    assert.deepEqual(specOf(command), {
      owner: "affexai/test/cache",
      placement,
      name: "affexai-redis",
      image: "redis:7-alpine",
    });
    assert.deepEqual(command.inputs["environment"], { REDIS_PASSWORD: "generated-cache-password" });
    assert.ok(command.protect && engine.named("cache-password").protect);
    assert.equal(await valueOf(cache.url), "redis://default:generated-cache-password@redis:6379/0");
    assert.equal(await isSecret(cache.url), true);
  });

  it("of somebody else's is adopted by its URL, and nothing is made", async () => {
    const engine = await mockEngine();
    const cache = await deploy(
      () => new RedisCache("cache", { kind: "external", url: "rediss://u:pw@cache.example.com:6380/0" }),
    );
    assert.deepEqual(engine.shape(), ["affexai:coolify:RedisCache::cache"]);
    assert.deepEqual(engine.named("cache").secrets, ["url"]);
    assert.equal(await isSecret(cache.url), true);
  });
});
