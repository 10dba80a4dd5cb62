import assert from "node:assert/strict";
import { z } from "zod";
import { checkFailures } from "../../../sandbox/providers/check.ts";
import { equal, reveal, secret, unknownValue } from "../../../sandbox/providers/wire.ts";

const Inputs = z.strictObject({
  name: z.string(),
  days: z.int(),
  rules: z.array(z.strictObject({ prefix: z.string() })).optional(),
});
const ignored = "is not an input that the sandbox acts on: it would be ignored here and not in production";

describe("inputs", () => {
  it("are let through when they are what the sandbox acts on", () => {
    assert.deepEqual(checkFailures(Inputs, { name: "x", days: 1, rules: [{ prefix: "" }] }), []);
  });

  it("are let through while a preview cannot know them, at any depth", () => {
    assert.deepEqual(checkFailures(Inputs, { name: "x", days: unknownValue, rules: unknownValue }), []);
    assert.deepEqual(checkFailures(Inputs, { name: "x", days: 1, rules: [unknownValue] }), []);
  });

  it("are refused where they are missing, of another type, or not acted on", () => {
    assert.deepEqual(
      checkFailures(Inputs, { days: "one", color: "red", rules: [{ prefix: "", depth: 1 }] }).map(
        ({ property, reason }) => [property, reason === ignored],
      ),
      [
        ["name", false],
        ["days", false],
        ["rules.0.depth", true],
        ["color", true],
      ],
    );
  });
});

describe("values on the wire", () => {
  it("are equal whatever is secret or left undefined", () => {
    assert.ok(equal({ a: secret("x"), b: undefined }, { a: "x" }));
    assert.ok(equal([1, { a: [] }], [1, { a: [] }]));
    assert.ok(!equal([1, 2], [2, 1]));
    assert.ok(!equal({ a: 1 }, { a: 1, b: null }));
  });

  it("are never equal to what is unknown", () => {
    assert.ok(!equal(unknownValue, unknownValue));
    assert.ok(!equal({ a: unknownValue }, { a: unknownValue }));
  });

  it("lose their marks of secrecy at any depth", () => {
    assert.deepEqual(reveal({ a: secret({ b: [secret("x")] }) }), { a: { b: ["x"] } });
  });
});
