import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { canonicalJson, operation } from "../../components/command.ts";
import { deploy, mockEngine, unknown, valueOf } from "../pulumi.ts";

const Spec = z.strictObject({ owner: z.string(), items: z.record(z.string(), z.int()) });
const Result = z.strictObject({ uuid: z.string() });

class Thing extends pulumi.ComponentResource {
  readonly result: pulumi.Output<{ uuid: string }>;
  constructor(input: { owner: pulumi.Input<string>; items: Record<string, number> }, secrets?: Record<string, string>) {
    super("affexai:test:Thing", "thing", {});
    this.result = operation(
      "thing-apply",
      {
        noun: "project",
        verb: "apply",
        spec: Spec,
        result: Result,
        input,
        ...(secrets && { secrets }),
        timeoutMinutes: 7,
      },
      { parent: this },
    );
  }
}

const answer = { "thing-apply": { stdout: '{"uuid":"u-1"}', stderr: "" } };

describe("a command resource", () => {
  it("runs one verb without a shell, with the spec on stdin and nothing else", async () => {
    const engine = await mockEngine({ outputs: answer });
    const thing = await deploy(() => new Thing({ owner: "thing", items: { b: 2, a: 1 } }));
    const command = engine.named("thing-apply");
    assert.deepEqual(command.inputs, {
      interpreter: ["node", "operations/cli.ts", "project"],
      create: "apply",
      update: "apply",
      delete: "retire",
      stdin: '{"items":{"a":1,"b":2},"owner":"thing"}',
      logging: "stderr",
      addPreviousOutputInEnv: false,
    });
    assert.equal(command.createTimeout, "7m");
    assert.deepEqual(command.additionalSecretOutputs, []);
    assert.deepEqual(await valueOf(thing.result), { uuid: "u-1" });
  });

  it("hands generated secrets over in the environment only, and keeps what the verb writes secret", async () => {
    const engine = await mockEngine({ outputs: answer });
    await deploy(() => new Thing({ owner: "thing", items: {} }, { MIGRATOR_PASSWORD: "hunter2hunter2" }));
    const command = engine.named("thing-apply");
    assert.deepEqual(command.inputs["environment"], { MIGRATOR_PASSWORD: "hunter2hunter2" });
    // The mock monitor marks the whole map where the real engine marks the entry.
    assert.ok(command.secrets.some((path) => path.startsWith("environment")));
    assert.deepEqual(command.additionalSecretOutputs, ["stdout", "stderr"]);
    assert.ok(!String(command.inputs["stdin"]).includes("hunter2"));
  });

  it("refuses a secret in a spec", async () => {
    await mockEngine({ outputs: answer });
    await assert.rejects(
      deploy(() => new Thing({ owner: pulumi.secret("hunter2hunter2"), items: {} })),
      /thing-apply: the spec holds a secret/,
    );
  });

  it("refuses a spec that its verb would refuse, before the verb runs", async () => {
    await mockEngine({ outputs: answer });
    await assert.rejects(
      deploy(() => new Thing({ owner: "thing", items: { a: 0.5 } })),
      /does not fit its verb[^]*items\.a/,
    );
  });

  it("refuses an answer that is not the verb's result", async () => {
    for (const [stdout, message] of [
      ["all done", /not one line of JSON/],
      ['{"uuid":"u-1","extra":true}', /not what its schema says/],
    ] as const) {
      await mockEngine({ outputs: { "thing-apply": { stdout, stderr: "" } } });
      const thing = await deploy(() => new Thing({ owner: "thing", items: {} })).catch((error: unknown) => error);
      assert.ok(thing instanceof Error);
      assert.match(thing.message, message);
    }
  });

  it("does not know the answer in a preview", async () => {
    await mockEngine({ outputs: { "thing-apply": { stdout: unknown } }, preview: true });
    const thing = await deploy(() => new Thing({ owner: "thing", items: {} }));
    assert.equal(await valueOf(thing.result), undefined);
  });
});

describe("canonical JSON", () => {
  it("is the same for the same data in another order", () => {
    assert.equal(canonicalJson({ b: [{ d: 1, c: 2 }], a: null }), '{"a":null,"b":[{"c":2,"d":1}]}');
    assert.equal(canonicalJson({ a: null, b: [{ c: 2, d: 1 }] }), '{"a":null,"b":[{"c":2,"d":1}]}');
  });

  it("keeps the order of lists", () => {
    assert.equal(canonicalJson(["b", "a"]), '["b","a"]');
  });
});
