import assert from "node:assert/strict";
import { basic, parseChallenge } from "../../../operations/image/authorization.ts";

describe("a registry's challenge", () => {
  it("is read with its parameters, quoted and bare", () => {
    const header = 'Bearer realm="https://ghcr.io/token",service=ghcr.io,scope="repository:o/app:pull,push"';
    assert.deepEqual(parseChallenge(header), {
      scheme: "bearer",
      parameters: { realm: "https://ghcr.io/token", service: "ghcr.io", scope: "repository:o/app:pull,push" },
    });
    assert.deepEqual(parseChallenge('basic realm="Registry"'), { scheme: "basic", parameters: { realm: "Registry" } });
  });

  it("is nothing when there is none that can be answered", () => {
    for (const header of [null, "", "Negotiate", 'Digest realm="x"']) assert.equal(parseChallenge(header), undefined);
  });

  it("is answered with user and password in base 64", () => {
    assert.equal(basic({ username: "robot", password: "a:b" }), `Basic ${btoa("robot:a:b")}`);
  });
});
