import assert from "node:assert/strict";
import type { Application, EnvironmentVariable } from "../../../operations/coolify/answers.ts";
import {
  imageFields,
  imageOf,
  labelsOf,
  looksSettled,
  markOf,
  numberOf,
  ownerMark,
  planReplica,
  replicasOf,
  revisionOf,
  servedDigest,
  type Replica,
} from "../../../operations/coolify/plan.ts";
import { applicationSpec } from "./application-spec.ts";

const spec = applicationSpec();
const values = { LOG_LEVEL: "info", JWT_SECRET: "s3cret-value" };
const replica = replicasOf(spec)[0] as Replica;

function row(key: string, value: string | undefined, change: Partial<EnvironmentVariable> = {}): EnvironmentVariable {
  return {
    uuid: `row-${key}`,
    key,
    value,
    is_preview: false,
    is_literal: true,
    is_multiline: false,
    is_runtime: true,
    is_buildtime: false,
    ...change,
  };
}

/** What Coolify answers after the plan for `spec` was carried out. */
function settled(change: Record<string, unknown> = {}): Application {
  const fresh: Application = { uuid: "a1", name: "backend" };
  const { patch } = planReplica(spec, replica, values, { application: fresh, variables: [] });
  return {
    ...fresh,
    ...patch,
    description: ownerMark({ owner: "backend", revision: revisionOf(spec, values), serves: null }),
    status: "running:healthy",
    ...change,
  };
}

describe("the plan of a replica", () => {
  it("asks for nothing when Coolify has it all", () => {
    const plan = planReplica(spec, replica, values, {
      application: settled(),
      variables: [row("LOG_LEVEL", "info"), row("JWT_SECRET", "s3cret-value")],
    });
    assert.deepEqual(
      { changed: plan.changed, variables: plan.variables, remove: plan.remove, stale: plan.stale },
      { changed: [], variables: [], remove: [], stale: false },
    );
  });

  it("takes numbers as strings and booleans as 0 and 1, as Coolify answers them", () => {
    const application = settled({ health_check_interval: "1", health_check_enabled: 1, is_auto_deploy_enabled: 0 });
    assert.deepEqual(planReplica(spec, replica, values, { application, variables: [] }).changed, []);
  });

  it("finds a setting beside the fields or in `settings`", () => {
    const { stop_grace_period, ...rest } = settled();
    const application: Application = { ...rest, uuid: "a1", name: "backend", settings: { stop_grace_period } };
    assert.deepEqual(planReplica(spec, replica, values, { application, variables: [] }).changed, []);
  });

  it("names each setting that differs, and sends the labels with it", () => {
    const application = settled({ health_check_enabled: false, docker_registry_image_tag: "latest" });
    const plan = planReplica(spec, replica, values, { application, variables: [] });
    assert.deepEqual(plan.changed, ["docker_registry_image_tag", "health_check_enabled"]);
    assert.equal(typeof plan.patch.custom_labels, "string");
  });

  it("sees labels that Coolify regenerated", () => {
    const application = settled({ custom_labels: Buffer.from("traefik.enable=true").toString("base64") });
    assert.deepEqual(planReplica(spec, replica, values, { application, variables: [] }).changed, ["custom_labels"]);
  });

  it("writes changed and missing variables as literal runtime rows with every flag", () => {
    const plan = planReplica(spec, replica, values, { application: settled(), variables: [row("LOG_LEVEL", "debug")] });
    assert.deepEqual(
      plan.variables.map(({ key, value }) => [key, value]),
      [
        ["LOG_LEVEL", "info"],
        ["JWT_SECRET", "s3cret-value"],
      ],
    );
    assert.deepEqual(plan.variables[0], {
      key: "LOG_LEVEL",
      value: "info",
      is_preview: false,
      is_literal: true,
      is_multiline: false,
      is_shown_once: false,
      is_runtime: true,
      is_buildtime: false,
    });
  });

  it("rewrites a row that Coolify would interpolate", () => {
    const variables = [row("LOG_LEVEL", "info", { is_literal: false }), row("JWT_SECRET", "s3cret-value")];
    const plan = planReplica(spec, replica, values, { application: settled(), variables });
    assert.deepEqual(
      plan.variables.map(({ key }) => key),
      ["LOG_LEVEL"],
    );
  });

  it("removes undeclared rows together with their preview twins, and leaves declared twins alone", () => {
    const variables = [
      row("OLD", "1"),
      row("OLD", "1", { uuid: "twin-OLD", is_preview: true }),
      row("LOG_LEVEL", "info"),
      row("LOG_LEVEL", "stale", { uuid: "twin-LOG_LEVEL", is_preview: true }),
      row("JWT_SECRET", "s3cret-value"),
    ];
    const plan = planReplica(spec, replica, values, { application: settled(), variables });
    assert.deepEqual(
      plan.remove.map(({ uuid }) => uuid),
      ["row-OLD", "twin-OLD"],
    );
    assert.deepEqual(plan.variables, []);
  });

  it("takes a hidden value as unknown; the mark tells that another value was never rolled out", () => {
    const variables = [row("LOG_LEVEL", "info"), row("JWT_SECRET", undefined)];
    const same = planReplica(spec, replica, values, { application: settled(), variables });
    assert.deepEqual([same.variables, same.stale], [[], false]);
    const rotated = planReplica(
      spec,
      replica,
      { ...values, JWT_SECRET: "another" },
      { application: settled(), variables },
    );
    assert.equal(rotated.stale, true);
    assert.deepEqual(
      rotated.variables.map(({ key, value }) => [key, value]),
      [["JWT_SECRET", "another"]],
      "a value that cannot be compared is written when the revision differs",
    );
  });

  it("is stale after a crash between the settings and the verified deployment", () => {
    const application = settled({ description: ownerMark({ owner: "backend", revision: null, serves: null }) });
    assert.equal(planReplica(spec, replica, values, { application, variables: [] }).stale, true);
  });
});

describe("a row of the environment's list", () => {
  const listed = (change: Record<string, unknown> = {}): Application => {
    // The list has no `settings`, where these two are.
    const apart = ["stop_grace_period", "is_auto_deploy_enabled"];
    const row = Object.fromEntries(Object.entries(settled(change)).filter(([name]) => !apart.includes(name)));
    return { ...row, uuid: "a1", name: "backend" };
  };
  const looks = (row: Application, others: Application[] = []) => looksSettled(spec, replica, values, row, others);

  it("looks settled with all that it shows as it should be, and its revision in the mark", () => {
    assert.equal(looks(listed()), true);
    assert.equal(looks(listed({ health_check_path: "/" })), false);
    assert.equal(looks(listed({ status: "exited:unhealthy" })), false);
    assert.equal(looks(listed({ custom_labels: Buffer.from("traefik.enable=false").toString("base64") })), false);
    assert.equal(looks(listed({ description: ownerMark({ owner: "backend", revision: null, serves: null }) })), false);
    assert.equal(looksSettled(spec, replica, { ...values, LOG_LEVEL: "debug" }, listed(), []), false);
  });

  it("does not look settled when another replica has a newer definition of the routes", () => {
    const other = { ...spec, port: 3002 };
    const { patch } = planReplica(other, replicasOf({ ...other, replicas: 2 })[1] as Replica, values, {
      application: { uuid: "a2", name: "backend-2" },
      variables: [],
      others: [listed()],
    });
    const second: Application = { uuid: "a2", name: "backend-2", custom_labels: String(patch.custom_labels) };
    assert.match(labelsOf(second).join(), /priority=1001/);
    assert.equal(looks(listed(), [second]), false);
    assert.equal(looks(listed(), [{ ...second, name: "other" }]), true, "an application of another name is no replica");
  });
});

describe("the number of a replica", () => {
  it("is in its application's name", () => {
    const names = ["backend", "backend-2", "backend-13", "backend-1", "backend-02", "backend-old", "backend2", "x"];
    assert.deepEqual(
      names.map((name) => numberOf(spec, name)),
      [1, 2, 13, null, null, null, null, null],
    );
  });
});

describe("a revision", () => {
  it("changes with everything a container gets, and not with a new attempt", () => {
    const revision = revisionOf(spec, values);
    assert.equal(revisionOf({ ...spec, stamp: { id: "release-1", after: "000003" } }, values), revision);
    for (const change of [{ port: 1 }, { stopGracePeriodSeconds: 30 }, { limits: { memory: "512m" } }]) {
      assert.notEqual(revisionOf({ ...spec, ...change }, values), revision, JSON.stringify(change));
    }
    assert.notEqual(revisionOf(spec, { ...values, LOG_LEVEL: "debug" }), revision);
    assert.equal(revisionOf(spec, { JWT_SECRET: "s3cret-value", LOG_LEVEL: "info" }), revision);
  });
});

describe("image fields", () => {
  const image = `ghcr.io/affexai/backend@sha256:${"ab".repeat(32)}`;

  it("pin a digest in the form that POST and PATCH both take", () => {
    assert.deepEqual(imageFields(image), {
      docker_registry_image_name: "ghcr.io/affexai/backend",
      docker_registry_image_tag: `sha256-${"ab".repeat(32)}`,
    });
  });

  it("are read back in either form, and a tag is no pin", () => {
    const application = { uuid: "a", name: "b" };
    assert.equal(imageOf({ ...application, ...imageFields(image) }), image);
    const formB = {
      docker_registry_image_name: "ghcr.io/affexai/backend@sha256",
      docker_registry_image_tag: "ab".repeat(32),
    };
    assert.equal(imageOf({ ...application, ...formB }), image);
    assert.equal(
      imageOf({ ...application, docker_registry_image_name: "x/y", docker_registry_image_tag: "latest" }),
      null,
    );
  });
});

describe("the owner mark", () => {
  it("is read back, and other descriptions have none", () => {
    const settledMark = { owner: "backend", revision: "0123456789abcdef", serves: null };
    const underWay = { owner: "backend", revision: null, serves: `sha256:${"ab".repeat(32)}` };
    for (const mark of [settledMark, underWay, { ...underWay, serves: null }]) {
      assert.deepEqual(markOf({ description: ownerMark(mark) }), mark);
      assert.doesNotMatch(ownerMark(mark), /:/, "Coolify refuses colons in descriptions");
    }
    assert.equal(markOf({ description: "made by hand" }), null);
    assert.equal(markOf({ description: null }), null);
  });

  it("names the digest that serves while the settings name another one", () => {
    const image = { docker_registry_image_name: "ghcr.io/a/b", docker_registry_image_tag: `sha256-${"0".repeat(64)}` };
    const application = (revision: string | null, serves: string | null) => ({
      ...{ uuid: "a", name: "b", ...image },
      description: ownerMark({ owner: "backend", revision, serves }),
    });
    assert.equal(servedDigest(application("0123456789abcdef", null)), `sha256:${"0".repeat(64)}`);
    assert.equal(servedDigest(application(null, `sha256:${"1".repeat(64)}`)), `sha256:${"1".repeat(64)}`);
    assert.equal(servedDigest(application(null, null)), null);
  });
});
