import assert from "node:assert/strict";
import { root } from "../../sandbox/setup/paths.ts";
import { type RealEngine, realEngine } from "../sandbox/providers/real-engine.ts";

const program = (release: string) => `
import * as pulumi from "@pulumi/pulumi";
import { lastOutputOfThisStack } from "${root}/stacks/release.ts";
export const before = (await lastOutputOfThisStack()) ?? null;
export const release = ${release};
export const adminDatabaseUrl = pulumi.secret("postgresql://root:hunter2hunter2@db/x");
`;

describe("the stack's own last release", function () {
  let engine: RealEngine;
  before(async () => {
    engine = await realEngine();
  });
  after(() => engine.close());

  it("is nothing on a fresh stack, and what the last run put out on the next one", async () => {
    await engine.program(program('{ id: "one", images: ["a"] }'));
    const first = await engine.run(["up", "--yes", "--skip-preview"]);
    assert.equal(first.exitCode, 0, first.text);
    assert.equal((await engine.outputs())["before"], null);
    await engine.program(program('{ id: "two", images: ["b"] }'));
    assert.equal((await engine.run(["up", "--yes", "--skip-preview"])).exitCode, 0);
    assert.deepEqual((await engine.outputs())["before"], { id: "one", images: ["a"] });
  });

  it("stays when a run fails", async () => {
    await engine.program(program('pulumi.output(Promise.reject(new Error("half-way")))'));
    assert.notEqual((await engine.run(["up", "--yes", "--skip-preview"])).exitCode, 0);
    assert.deepEqual((await engine.outputs())["release"], { id: "two", images: ["b"] });
  });

  it("is no resource, so a refresh finds nothing changed", async () => {
    const { exitCode, text } = await engine.run(["refresh", "--preview-only", "--expect-no-changes"]);
    assert.equal(exitCode, 0, text);
  });
});
