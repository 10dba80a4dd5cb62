import assert from "node:assert/strict";
import type { Application } from "../../../operations/coolify/answers.ts";
import { ownerMark, planReplica, replicasOf, revisionOf } from "../../../operations/coolify/plan.ts";
import { describeChanges } from "../../../operations/coolify/preview.ts";
import type { SeenReplica } from "../../../operations/coolify/probe.ts";
import { applicationSpec } from "./application-spec.ts";

const spec = applicationSpec({ replicas: 2 });
const values = { LOG_LEVEL: "info", JWT_SECRET: "s3cret-value" };

function rolledOut(change: Record<string, unknown> = {}, rows: Record<string, string> = values): SeenReplica[] {
  return replicasOf(spec).map((replica) => {
    const fresh: Application = { uuid: `a${replica.number}`, name: replica.name };
    const { patch, variables } = planReplica(spec, replica, rows, { application: fresh, variables: [] });
    const description = ownerMark({ owner: "backend", revision: revisionOf(spec, values), serves: null });
    const application = { ...fresh, ...patch, description, status: "running:healthy", ...change };
    return {
      ...{ replica, ambiguous: [] },
      actual: { application, variables: variables.map((row) => ({ ...row, uuid: `row-${row.key}` })) },
    };
  });
}

describe("what a preview says of an application", () => {
  it("is nothing when Coolify has all of it", () => {
    assert.equal(describeChanges({ spec, values }, [], rolledOut(), []), null);
  });

  it("is the new digest, the changed settings and the names of variables, and no value", () => {
    const next = applicationSpec({
      ...{ replicas: 2, image: spec.image.replace(/[0-9a-f]{64}$/, "f".repeat(64)), stopGracePeriodSeconds: 30 },
    });
    const wanted = { LOG_LEVEL: "debug", JWT_SECRET: "s3cret-value", NEW: "new-value" };
    const seen = rolledOut({}, { ...values, OLD: "old-value" }).map((one, index) => ({
      ...one,
      replica: replicasOf(next)[index] ?? one.replica,
    }));
    const lines = (describeChanges({ spec: next, values: wanted }, [], seen, []) ?? "").split("\n");
    assert.equal(lines.length, 2);
    assert.match(
      lines[0] ?? "",
      /^backend: image ghcr\.io\/affexai\/backend@sha256:0{12} -> ghcr\.io\/affexai\/backend@sha256:f{12}; stop_grace_period 20 -> 30; labels: .*; variables ~LOG_LEVEL \+NEW -OLD$/,
    );
    assert.match(lines[1] ?? "", /^backend-2: /);
    assert.doesNotMatch(lines.join("\n"), /debug|new-value|old-value|s3cret/);
  });

  it("is a creation, an adoption, a retirement, and a name that is taken twice", () => {
    const [first, second] = rolledOut({ description: "by hand" }) as [SeenReplica, SeenReplica];
    const said = describeChanges({ spec, values }, [], [first, { ...second, actual: null }], ["backend-3"]);
    assert.equal(
      said,
      ["backend: adopt", `backend-2: create at sha256:${"0".repeat(12)}`, "backend-3: retire"].join("\n"),
    );
    const twice = describeChanges({ spec, values }, [], [{ ...first, actual: null, ambiguous: ["u1", "u2"] }], []);
    assert.equal(twice, "backend: exists 2 times, and `up` would refuse: u1, u2");
  });

  it("says that an edit after the rollout is not put back by equal inputs", () => {
    const said = describeChanges({ spec, values }, [], rolledOut({ health_check_enabled: false }), []) ?? "";
    assert.match(
      said,
      /^backend: health_check_enabled false -> true\nbackend-2: .*\nEdited on Coolify since.*`affexai drift --repair`/,
    );
  });

  it("says that a rollout which did not end is deployed again", () => {
    const said = describeChanges(
      { spec, values },
      [],
      rolledOut({ description: "affexai owner=backend revision=none" }),
      [],
    );
    assert.equal(
      said,
      ["backend", "backend-2"].map((name) => `${name}: deploy again: the last rollout did not end`).join("\n"),
    );
  });

  it("neither compares nor removes a variable whose value is known only after the update", () => {
    const known = { LOG_LEVEL: values.LOG_LEVEL };
    const said = describeChanges({ spec, values: known }, ["JWT_SECRET", "FRESH"], rolledOut(), []) ?? "";
    assert.equal(said.split("\n")[0], "backend: variables +FRESH; known only after the update: JWT_SECRET");
  });
});
