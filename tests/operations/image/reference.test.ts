import assert from "node:assert/strict";
import { isLoopback, parseReference, pinned } from "../../../operations/image/reference.ts";

const digest = `sha256:${"ab".repeat(32)}`;

describe("an image reference", () => {
  it("is read with its registry's port, tag and digest", () => {
    const registry = "127.0.0.1:7303";
    const repository = "affexai/backend";
    assert.deepEqual(parseReference(`${registry}/${repository}@${digest}`), { registry, repository, digest });
    assert.deepEqual(parseReference(`${registry}/${repository}:r1@${digest}`), {
      registry,
      repository,
      tag: "r1",
      digest,
    });
    assert.deepEqual(parseReference("ghcr.io/o/app:sha-1"), { registry: "ghcr.io", repository: "o/app", tag: "sha-1" });
    assert.equal(pinned({ registry, repository }, digest), `${registry}/${repository}@${digest}`);
  });

  for (const text of [
    "node:24-alpine",
    "library/node:24",
    "ghcr.io/o/app",
    "ghcr.io/O/app:1",
    "ghcr.io/o/../app:1",
    `ghcr.io/o/app@sha256:${"AB".repeat(32)}`,
    "ghcr.io/o/app@sha256:12",
    "https://ghcr.io/o/app:1",
    "",
  ]) {
    it(`is refused when it is ${JSON.stringify(text)}`, () => {
      assert.throws(() => parseReference(text), { kind: "refused" });
    });
  }

  it("is loopback only for this machine", () => {
    for (const host of [
      "127.0.0.1:7303",
      "127.77.1.2",
      "localhost:5000",
      "registry.sandbox.localhost:7303",
      "[::1]:5000",
    ]) {
      assert.ok(isLoopback(host), host);
    }
    for (const host of ["ghcr.io", "127.0.0.1.example.org", "localhost.example.org", "10.0.0.1:5000", "notlocalhost"]) {
      assert.ok(!isLoopback(host), host);
    }
  });
});
