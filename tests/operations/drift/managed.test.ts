import assert from "node:assert/strict";
import { stateOf } from "../../../operations/drift/managed.ts";

const secret = (value: unknown) => ({
  "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
  plaintext: JSON.stringify(value),
});
const urn = (name: string) => `urn:pulumi:test::affexai::affexai:coolify:X$command:local:Command::${name}`;
const command = (name: string, change: object = {}) => ({
  ...{ urn: urn(name), type: "command:local:Command", custom: true },
  inputs: {
    ...{ interpreter: ["node", "operations/cli.ts", "application"], create: "apply", stdin: '{"name":"backend"}' },
    environment: { DATABASE_SSH: "ssh://host", VARIABLE_KEY: secret("the value") },
  },
  outputs: { stdout: secret('{"uuids":["a1"]}') },
  ...change,
});

describe("the state of a stack", () => {
  it("gives each command with its spec, its environment and its answer, in order", () => {
    const { managed, interrupted } = stateOf({
      deployment: { resources: [command("backend-apply"), command("other-apply")] },
    });
    assert.deepEqual(
      managed.map(({ resource }) => resource),
      ["backend-apply", "other-apply"],
    );
    assert.deepEqual(managed[0], {
      resource: "backend-apply",
      noun: "application",
      verb: "apply",
      spec: { name: "backend" },
      env: { DATABASE_SSH: "ssh://host", VARIABLE_KEY: "the value" },
      result: { uuids: ["a1"] },
    });
    assert.deepEqual(interrupted, []);
  });

  it("reads an environment that is a secret as a whole", () => {
    const whole = {
      ...command("backend-apply"),
      inputs: { ...command("x").inputs, environment: secret({ KEY: "value" }) },
    };
    assert.deepEqual(stateOf({ deployment: { resources: [whole] } }).managed[0]?.env, { KEY: "value" });
  });

  it("leaves out what was replaced, what is no command of ours, and what other providers have", () => {
    const foreign = command("foreign", { inputs: { create: "ls", interpreter: ["/bin/sh", "-c"], stdin: "" } });
    const bucket = { urn: urn("bucket"), type: "aws:s3/bucket:Bucket", inputs: {}, outputs: {} };
    const { managed } = stateOf({ deployment: { resources: [command("gone", { delete: true }), foreign, bucket] } });
    assert.deepEqual(managed, []);
  });

  it("names what was cut off half-way, and is empty for a stack that was never updated", () => {
    const pending = [{ resource: { urn: urn("backend-apply") }, type: "updating" }];
    assert.deepEqual(stateOf({ deployment: { resources: null, pending_operations: pending } }), {
      managed: [],
      interrupted: ["backend-apply (updating)"],
    });
    assert.deepEqual(stateOf({ deployment: {} }), { managed: [], interrupted: [] });
  });
});
