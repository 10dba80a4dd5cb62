import assert from "node:assert/strict";
import type { Application, EnvironmentVariable } from "../../../operations/coolify/answers.ts";
import { databaseDifferences } from "../../../operations/coolify/database-differences.ts";
import { replicaDifferences } from "../../../operations/coolify/differences.ts";
import {
  encodeLabels,
  labelsOf,
  ownerMark,
  planReplica,
  replicasOf,
  revisionOf,
} from "../../../operations/coolify/plan.ts";
import type { Replica } from "../../../operations/coolify/plan.ts";
import { resetFields } from "../../../operations/coolify/undeclared-settings.ts";
import { applicationSpec } from "./application-spec.ts";

const spec = applicationSpec();
const values = { LOG_LEVEL: "info", JWT_SECRET: "s3cret-value" };
const replica = replicasOf(spec)[0] as Replica;
const mask = (text: string) => `#${text.length}`;

function row(key: string, value: string | undefined, change: Partial<EnvironmentVariable> = {}): EnvironmentVariable {
  return {
    ...{ uuid: `row-${key}`, key, value, is_preview: false, is_literal: true, is_multiline: false },
    ...{ is_runtime: true, is_buildtime: false },
    ...change,
  };
}
const rows = [row("LOG_LEVEL", "info"), row("JWT_SECRET", "s3cret-value")];

/** What Coolify answers after the spec was rolled out. */
function settled(change: Record<string, unknown> = {}): Application {
  const fresh: Application = { uuid: "a1", name: "backend" };
  const { patch } = planReplica(spec, replica, values, { application: fresh, variables: [] });
  const description = ownerMark({ owner: "backend", revision: revisionOf(spec, values), serves: null });
  return { ...fresh, ...patch, description, status: "running:healthy", ...change };
}

function compare(application: Application, variables: readonly EnvironmentVariable[] = rows) {
  const { differences, unobserved } = replicaDifferences({ spec, values }, replica, { application, variables }, mask);
  return {
    found: differences.map(
      ({ kind, name, declared, found }) => `${kind} ${name}: ${declared ?? "-"} -> ${found ?? "-"}`,
    ),
    unobserved: unobserved.map(({ what, reason }) => `${what}: ${reason}`),
  };
}

describe("the differences of a replica", () => {
  it("are none after its rollout", () => {
    assert.deepEqual(compare(settled()), { found: [], unobserved: [] });
  });

  const cases: [title: string, application: Application, variables: readonly EnvironmentVariable[], found: string[]][] =
    [
      ["a setting", settled({ stop_grace_period: "60" }), rows, ["setting stop_grace_period: 20 -> 60"]],
      [
        "a setting that is empty",
        settled({ health_check_path: null }),
        rows,
        ["setting health_check_path: /health/ready -> -"],
      ],
      [
        "an image by tag",
        settled({ docker_registry_image_tag: "latest" }),
        rows,
        [`image image: ${spec.image} -> ghcr.io/affexai/backend:latest`],
      ],
      [
        "no image at all",
        settled({ docker_registry_image_name: null, docker_registry_image_tag: null }),
        rows,
        [`image image: ${spec.image} -> :`],
      ],
      ["a domain", settled({ fqdn: "http://x.example" }), rows, ["setting fqdn: - -> http://x.example"]],
      [
        "a hook, without its words",
        settled({ pre_deployment_command: "rm -rf" }),
        rows,
        ["setting pre_deployment_command: - -> #6"],
      ],
      [
        "an undeclared limit beside the fields",
        settled({ settings: { limits_cpu_shares: 2 } }),
        rows,
        ["setting limits_cpu_shares: 1024 -> 2"],
      ],
      [
        "an escape that is off as 0",
        settled({ is_container_label_escape_enabled: 0 }),
        rows,
        ["setting is_container_label_escape_enabled: true -> 0"],
      ],
      [
        "a stopped container",
        settled({ status: "exited:unhealthy" }),
        rows,
        ["status status: running -> exited:unhealthy"],
      ],
      [
        "an unhealthy container",
        settled({ status: "running:unhealthy" }),
        rows,
        ["status status: running -> running:unhealthy"],
      ],
      [
        "a rollout that did not end",
        settled({ description: "affexai owner=backend revision=none" }),
        rows,
        [
          `description description: owner backend, revision ${revisionOf(spec, values)} -> owner backend, a rollout that did not end`,
        ],
      ],
      [
        "another owner",
        settled({ description: ownerMark({ owner: "other", revision: revisionOf(spec, values), serves: null }) }),
        rows,
        [
          `description description: owner backend, revision ${revisionOf(spec, values)} -> owner other, revision ${revisionOf(spec, values)}`,
        ],
      ],
      [
        "a changed value",
        settled(),
        [row("LOG_LEVEL", "debug"), rows[1] as EnvironmentVariable],
        ["variable LOG_LEVEL: #4 -> #5"],
      ],
      ["a missing variable", settled(), rows.slice(0, 1), ["variable JWT_SECRET: #12 -> -"]],
      [
        "one undeclared variable for a row and its preview twin",
        settled(),
        [...rows, row("OLD", "1"), row("OLD", "1", { uuid: "twin", is_preview: true })],
        ["variable OLD: - -> #1"],
      ],
      [
        "each flag",
        settled(),
        [
          row("LOG_LEVEL", "info", { is_literal: false, is_buildtime: true, is_multiline: true }),
          rows[1] as EnvironmentVariable,
        ],
        [
          "variable LOG_LEVEL is_literal: true -> false",
          "variable LOG_LEVEL is_multiline: false -> true",
          "variable LOG_LEVEL is_buildtime: false -> true",
        ],
      ],
    ];
  for (const [title, application, variables, found] of cases) {
    it(`name ${title}`, () => {
      assert.deepEqual(compare(application, variables), { found, unobserved: [] });
    });
  }

  it("tell of labels their keys only", () => {
    const labels = labelsOf(settled()).filter((line) => !line.includes("initialinterval"));
    const edited = [...labels, "mine.users=me:hash"].map((line) => line.replace("attempts=10", "attempts=9"));
    const { found } = compare(settled({ custom_labels: encodeLabels(edited) }));
    assert.equal(found.length, 1);
    assert.match(
      found[0] ?? "",
      /^labels custom_labels: \d+ labels -> 1 missing \(\S+initialinterval\), 1 added \(mine\.users\), 1 changed \(\S+attempts\)$/,
    );
  });

  it("take hidden labels and values for unknown, not for different", () => {
    const application = settled({ custom_labels: undefined });
    assert.deepEqual(compare(application, [row("LOG_LEVEL", "info"), row("JWT_SECRET", undefined)]), {
      found: [],
      unobserved: [
        "labels: the token lacks read:sensitive",
        "values of JWT_SECRET: Coolify hides them from this token, or shows them once only",
      ],
    });
  });

  it("take a standby for right while it is stopped", () => {
    const standby = applicationSpec({ standby: true });
    const of = (status: string) =>
      replicaDifferences(
        { spec: standby, values },
        replica,
        { application: settled({ status }), variables: rows },
        mask,
      )
        .differences.filter(({ kind }) => kind === "status")
        .map(({ found }) => found);
    assert.deepEqual([of("exited:unhealthy"), of("running:healthy")], [[], ["running:healthy"]]);
  });

  it("have a request that puts back what no rollout sends", () => {
    assert.deepEqual(resetFields(["fqdn", "limits_cpu_shares", "pre_deployment_command", "health_check_path"]), {
      domains: null,
      limits_cpu_shares: 1024,
      pre_deployment_command: null,
    });
  });
});

describe("the differences of a database", () => {
  const fields = { postgres_db: "affexai", postgres_password: "s3cret" };
  const declared = { kind: "postgresql", name: "main", image: "postgres:16", fields } as const;
  const found = {
    uuid: "d1",
    name: "main",
    status: "running:healthy",
    image: "postgres:16",
    is_public: false,
    ...fields,
  };

  it("are none for what is private, runs and has its names", () => {
    assert.deepEqual(databaseDifferences(declared, found, mask), { differences: [], unobserved: [] });
  });

  it("name each field, an open port and a stop, and never a password", () => {
    const other = {
      ...found,
      image: "postgres:17",
      postgres_password: "other",
      is_public: true,
      public_port: "15432",
      status: "exited",
    };
    assert.deepEqual(
      databaseDifferences(declared, other, mask).differences.map(
        (one) => `${one.name}: ${one.declared} -> ${one.found}`,
      ),
      [
        "image: postgres:16 -> postgres:17",
        "postgres_password: #6 -> #5",
        "is_public: false -> true, port 15432",
        "status: running -> exited",
      ],
    );
  });

  it("list a hidden password as not observed", () => {
    const seen = { ...found, postgres_password: undefined };
    assert.deepEqual(databaseDifferences(declared, seen, mask), {
      differences: [],
      unobserved: [{ part: "postgresql main", what: "postgres_password", reason: "Coolify hides it from this token" }],
    });
  });
});
