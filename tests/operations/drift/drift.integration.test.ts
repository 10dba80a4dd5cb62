import assert from "node:assert/strict";
import type { Application } from "../../../operations/coolify/answers.ts";
import { encodeLabels, labelsOf } from "../../../operations/coolify/plan.ts";
import { DriftReport } from "../../../operations/drift/spec.ts";
import { markdownReport, textNotes, textRows } from "../../../operations/drift/report.ts";
import { attemptState } from "../../../operations/release/ledger.ts";
import type { Fields } from "../../../sandbox/coolify/json.ts";
import { addApplication, until } from "../../sandbox/coolify/fixture.ts";
import { record } from "../../release-record.ts";
import { openDriftStage, planted, snapshot, type Stage } from "./stage.ts";

/** A difference in one line; what stands for a hidden value is cut to its sign. */
function lines({ differences }: DriftReport): string[] {
  return differences
    .map(({ part, kind, name, declared, found }) => `${part}: ${kind} ${name}: ${declared ?? "-"} -> ${found ?? "-"}`)
    .map((line) =>
      line
        .replace(/^(.*: labels .*)$/, (text) => text.replaceAll(/ \([^)]*\)/g, ""))
        .replaceAll(/#[0-9a-f]{8}/g, "#")
        .replaceAll(/127\.0\.0\.1:\d+\/affexai\/tiny(@sha256:[0-9a-f]{64}|:latest)/g, (image) =>
          image.includes("@") ? "IMAGE" : "TAG",
        )
        .replaceAll(/sha256:[0-9a-f]{64}/g, "DIGEST")
        .replaceAll(/registry 127\.0\.0\.1:\d+/g, "registry REGISTRY")
        .replaceAll(/revision [0-9a-f]{16}/g, "revision R"),
    )
    .sort();
}

describe("drift", () => {
  let stage: Stage;
  before(async () => {
    stage = await openDriftStage();
  });
  after(() => stage?.close());

  const coolify = () => stage.platform.workshop.coolify;
  const envs = (uuid: string, data: Fields[]) =>
    coolify().expect(201, "PATCH", `/applications/${uuid}/envs/bulk`, {
      data: data.map((row) => ({ is_literal: true, is_runtime: true, is_buildtime: false, is_preview: false, ...row })),
    });
  const rowsOf = async (uuid: string) =>
    (await coolify().expect(200, "GET", `/applications/${uuid}/envs`)).list as Fields[];
  const database = (uuid: string, body: Fields) => coolify().expect(200, "PATCH", `/databases/${uuid}`, body);
  const told: DriftReport[] = [];
  /** A third replica that nobody declares. */
  let surplus = "";
  const expectOnly = async (expected: string[]) => {
    const report = DriftReport.parse(await stage.compare());
    told.push(report);
    assert.deepEqual(lines(report), [...expected].sort(), JSON.stringify(report.unchecked));
    assert.deepEqual(report.unchecked, []);
  };

  it("raises no false alarm in 20 looks at an untouched platform, with two requests a replica", async () => {
    for (let round = 0; round < 20; round += 1) {
      const start = stage.platform.traffic.requests.length;
      const report = await stage.compare();
      assert.deepEqual([report.outcome, lines(report), report.unchecked], ["clean", [], []]);
      const requests = stage.platform.traffic.requests.slice(start);
      const ofReplicas = [stage.uuids.backend, stage.uuids.second];
      const asked = requests.filter((request) => ofReplicas.some((uuid) => request.includes(uuid)));
      assert.equal(asked.length, 4, asked.join("\n"));
      // The environment, the page, both databases, project, server, and the registry's list and check.
      assert.equal(requests.length, 4 + 1 + 2 + 2 + 4, requests.join("\n"));
    }
  });

  interface Edit {
    title: string;
    edit: () => Promise<unknown>;
    expected: string[];
    undo?: () => Promise<unknown>;
  }
  const setting = (title: string, body: Fields, ...expected: string[]): Edit => ({
    title,
    edit: () => stage.patch(stage.uuids.backend, body),
    expected: expected.map((line) => `backend: ${line}`),
  });
  const generated = "labels custom_labels: 18 labels -> -";

  const edits: Edit[] = [
    setting("a slower health check", { health_check_interval: 30 }, "setting health_check_interval: 1 -> 30"),
    setting("the health check off", { health_check_enabled: false }, "setting health_check_enabled: true -> false"),
    setting("another health path", { health_check_path: "/" }, "setting health_check_path: /health/ready -> /"),
    setting("a longer grace period", { stop_grace_period: 60 }, "setting stop_grace_period: 5 -> 60"),
    setting("a memory limit", { limits_memory: "64m" }, "setting limits_memory: 0 -> 64m"),
    setting("a limit of processors", { limits_cpus: "0.1" }, "setting limits_cpus: 0 -> 0.1"),
    setting("a limit that nobody declares", { limits_memory_swap: "1g" }, "setting limits_memory_swap: 0 -> 1g"),
    setting("a port of the host", { ports_mappings: "18080:3000" }, "setting ports_mappings: - -> 18080:3000"),
    setting("another port", { ports_exposes: "3001" }, "setting ports_exposes: 3000 -> 3001"),
    setting(
      "a fixed name",
      { is_consistent_container_name_enabled: true },
      "setting is_consistent_container_name_enabled: false -> true",
    ),
    setting("another alias", { custom_network_aliases: "other" }, "setting custom_network_aliases: backend -> other"),
    setting("automatic deployment", { is_auto_deploy_enabled: true }, "setting is_auto_deploy_enabled: false -> true"),
    setting(
      "an option of docker run",
      { custom_docker_run_options: "--init" },
      "setting custom_docker_run_options: - -> #",
    ),
    setting("a hook", { pre_deployment_command: "curl x" }, "setting pre_deployment_command: - -> #"),
    setting(
      "a description",
      { description: "edited" },
      "description description: owner backend, revision R -> not our mark",
    ),
    setting("labels of Coolify's own", { is_gzip_enabled: true }, generated),
    {
      title: "a domain, for which Coolify writes labels of its own",
      edit: () => stage.patch(stage.uuids.backend, { domains: "http://shop.example" }),
      expected: [
        "backend: setting fqdn: - -> http://shop.example",
        "backend: labels custom_labels: 18 labels -> 17 missing, 14 added",
      ],
    },
    {
      title: "a password before the site",
      edit: () =>
        stage.patch(stage.uuids.backend, {
          is_http_basic_auth_enabled: true,
          http_basic_auth_username: "somebody",
          http_basic_auth_password: "planted-basic-password",
        }),
      expected: ["backend: setting is_http_basic_auth_enabled: false -> true", `backend: ${generated}`],
    },
    {
      title: "one label",
      edit: async () => {
        const application = await coolify().expect(200, "GET", `/applications/${stage.uuids.backend}`);
        const labels = labelsOf(application as unknown as Application).map((line) =>
          line.replace("retry.attempts=10", "retry.attempts=1"),
        );
        const custom_labels = encodeLabels([...labels, "mine.password=planted-label-password"]);
        await stage.patch(stage.uuids.backend, { custom_labels });
      },
      expected: ["backend: labels custom_labels: 18 labels -> 1 added, 1 changed"],
    },
    {
      title: "an image by tag",
      edit: () => stage.patch(stage.uuids.second, { docker_registry_image_tag: "latest" }),
      expected: ["backend-2: image image: IMAGE -> TAG"],
    },
    {
      title: "the value of a secret variable",
      edit: () => envs(stage.uuids.backend, [{ key: "JWT_SECRET", value: "planted-other-secret" }]),
      expected: ["backend: variable JWT_SECRET: # -> #"],
    },
    {
      title: "the value of a plain variable, in the second replica only",
      edit: () => envs(stage.uuids.second, [{ key: "FLAGS", value: "a,b,c" }]),
      expected: ["backend-2: variable FLAGS: # -> #"],
    },
    {
      title: "one more variable",
      edit: () => envs(stage.uuids.backend, [{ key: "EXTRA", value: "planted-extra-value" }]),
      expected: ["backend: variable EXTRA: - -> #"],
    },
    {
      title: "a variable less",
      edit: async () => {
        for (const { uuid } of (await rowsOf(stage.uuids.backend)).filter(({ key }) => key === "FLAGS"))
          await coolify().expect(200, "DELETE", `/applications/${stage.uuids.backend}/envs/${uuid as string}`);
      },
      expected: ["backend: variable FLAGS: # -> -"],
    },
    {
      title: "a variable that Coolify interpolates",
      edit: () => envs(stage.uuids.backend, [{ key: "FLAGS", value: "a,b", is_literal: false }]),
      expected: ["backend: variable FLAGS is_literal: true -> false"],
    },
    {
      title: "a variable that no container gets",
      edit: () => envs(stage.uuids.backend, [{ key: "FLAGS", value: "a,b", is_runtime: false }]),
      expected: ["backend: variable FLAGS is_runtime: true -> false"],
    },
    {
      title: "a replica under another name",
      edit: () => stage.patch(stage.uuids.second, { name: "backend-old" }),
      expected: [
        "backend-2: replica backend-2: one application -> -",
        "backend-old: replica application: - -> an application, running:healthy",
      ],
    },
    {
      title: "a public database",
      edit: () => database(stage.uuids.postgres, { is_public: true, public_port: 15432 }),
      expected: ["postgresql affexai-postgres: database is_public: false -> true, port 15432"],
      undo: () => database(stage.uuids.postgres, { is_public: false, public_port: null }),
    },
    {
      title: "another image of the database",
      edit: () => database(stage.uuids.postgres, { image: "postgres:17-alpine" }),
      expected: ["postgresql affexai-postgres: database image: postgres:16-alpine -> postgres:17-alpine"],
      undo: () => database(stage.uuids.postgres, { image: "postgres:16-alpine" }),
    },
    {
      title: "another password of the cache, and another name",
      edit: () => database(stage.uuids.redis, { redis_password: "PlantedOther424242", name: "renamed" }),
      expected: [
        "redis affexai-redis: database name: affexai-redis -> renamed",
        "redis affexai-redis: database redis_password: # -> #",
      ],
      undo: () => database(stage.uuids.redis, { redis_password: planted.redis, name: "affexai-redis" }),
    },
    {
      title: "a logout from the registry",
      edit: () =>
        coolify().expect(
          200,
          "DELETE",
          `/servers/${stage.platform.workshop.place.server_uuid as string}/registries/${stage.platform.workshop.registry}`,
        ),
      expected: ["registry REGISTRY: registry login: deployer -> -"],
      undo: () => stage.platform.workshop.login(),
    },
    {
      title: "a role that may make databases",
      edit: () => stage.sql("ALTER ROLE affexai_app CREATEDB"),
      expected: ["role affexai_app: role createDatabase: false -> true"],
      undo: () => stage.sql("ALTER ROLE affexai_app NOCREATEDB"),
    },
    {
      title: "a role's other password",
      edit: () => stage.sql("ALTER ROLE affexai_backup PASSWORD 'planted-changed-password'"),
      expected: ["role affexai_backup: role password: the declared one -> another one"],
      undo: () => stage.sql(`ALTER ROLE affexai_backup PASSWORD '${planted.role}'`),
    },
    {
      title: "an application that may empty a table and not read it",
      edit: () => stage.sql("GRANT TRUNCATE ON notes TO affexai_app; REVOKE SELECT ON notes FROM affexai_app"),
      expected: [
        "role affexai_app: role rights: - -> public.notes grants TRUNCATE",
        "role affexai_app: role rights: - -> public.notes lacks SELECT",
      ],
      undo: () => stage.sql("REVOKE TRUNCATE ON notes FROM affexai_app; GRANT SELECT ON notes TO affexai_app"),
    },
  ];

  for (const { title, edit, expected, undo } of edits) {
    it(`finds ${title}, and only that`, async () => {
      const restore = undo === undefined ? await restorer() : undo;
      try {
        await edit();
        await expectOnly(expected);
      } finally {
        await restore();
      }
      assert.deepEqual(lines(await stage.compare()), []);
    });
  }

  const restorer = async () => {
    const back = [await snapshot(stage, stage.uuids.backend), await snapshot(stage, stage.uuids.second)];
    return async () => {
      for (const one of back) await one();
    };
  };

  it("finds what runs: stopped replicas and databases, another release than the settings say, and a replica too many", async () => {
    const { backend, second, redis } = stage.uuids;
    const other = await stage.platform.release("2026.11.2");
    await coolify().expect(200, "POST", `/applications/${second}/stop?docker_cleanup=false`);
    await stage.platform.workshop.docker.getContainer(redis).remove({ force: true });
    await stage.patch(backend, { docker_registry_image_tag: other.split("@")[1]?.replace(":", "-") ?? "" });
    await stage.platform.workshop.deploy(backend);
    surplus = await addApplication(coolify(), stage.platform.workshop.place, {
      ...{
        name: "backend-3",
        docker_registry_image_name: other.split("@")[0] ?? "",
        docker_registry_image_tag: "latest",
      },
      ports_exposes: "3000",
    });
    await stage.platform.workshop.deploy(surplus);
    await until("the end of the second replica", async () => {
      const { status } = await coolify().expect(200, "GET", `/applications/${second}`);
      return typeof status === "string" && status.startsWith("exited");
    });
    await expectOnly([
      "backend: image image: IMAGE -> IMAGE",
      `backend: answer /version: release ${record.id}, DIGEST -> release 2026.11.2, DIGEST`,
      "backend-2: status status: running -> exited:unhealthy",
      "backend-3: replica application: - -> an application, running:unknown",
      "redis affexai-redis: database status: running -> exited:unhealthy",
    ]);
  });

  it("repairs all that its plan says, by an attempt of its own, and leaves the rest to people", async () => {
    const { backend, redis } = stage.uuids;
    await coolify().expect(200, "DELETE", `/applications/${stage.uuids.second}?delete_volumes=false`);
    await until("the end of the second replica's record", async () => {
      const { status } = await coolify().ask("GET", `/applications/${stage.uuids.second}`);
      return status === 404;
    });
    await stage.patch(backend, { domains: "http://shop.example", post_deployment_command: "curl x" });
    await envs(backend, [{ key: "EXTRA", value: "planted-extra-value" }]);
    await database(stage.uuids.postgres, { is_public: true, public_port: 15432 });
    await stage.sql("ALTER ROLE affexai_app CREATEDB");
    const report = await stage.compare();
    told.push(report);
    assert.equal(report.differences.length, 11, lines(report).join("\n"));
    assert.deepEqual(
      report.differences.filter(({ repair }) => repair.by !== "affexai drift --repair").map(({ part }) => part),
      ["backend-3"],
    );
    const repaired = await stage.repair(report);
    assert.deepEqual(repaired, ["database-apply", "cache-apply", "roles-apply", "backend-apply"]);
    await expectOnly(["backend-3: replica application: - -> an application, running:unknown"]);
    assert.equal((await coolify().expect(200, "GET", `/databases/${redis}`)).status, "running:healthy");
    const newest = await stage.ledger.newest();
    assert.deepEqual(
      [newest?.id, newest?.release, newest && attemptState(newest.events)],
      ["000002", record.id, "verified"],
    );
    assert.equal(await stage.ledger.newestUnverified(), null, "the next up has the same stamp, and runs nothing");
  });

  it("takes a stopped replica that nobody declares for retired, and lists what is somebody else's", async () => {
    await coolify().expect(200, "POST", `/applications/${surplus}/stop?docker_cleanup=false`);
    await until("a clean comparison", async () => (await stage.compare()).outcome === "clean");
    const other = await addApplication(coolify(), stage.platform.workshop.place, { name: "wiki" });
    const report = await stage.compare();
    assert.deepEqual([report.outcome, report.unmanaged], ["clean", ["wiki"]]);
    await coolify().expect(200, "DELETE", `/applications/${other}`);
  });

  it("tells a started standby, which people start and stop", async () => {
    await stage.platform.workshop.deploy(stage.uuids.page);
    const report = await stage.compare();
    assert.deepEqual(lines(report), ["page: status status: stopped -> running:healthy"]);
    assert.deepEqual(report.differences[0]?.repair.by, "a person");
    await coolify().expect(200, "POST", `/applications/${stage.uuids.page}/stop?docker_cleanup=false`);
    await until("a clean comparison", async () => (await stage.compare()).outcome === "clean");
  });

  it("says what could not be looked at, looks at the rest, and calls neither clean", async () => {
    await stage.platform.fault({
      match: { method: "GET", path: `/databases/${stage.uuids.redis}$` },
      effect: { kind: "respond", status: 500 },
      times: 2,
    });
    const report = await stage.compare();
    assert.deepEqual([report.outcome, report.differences], ["could-not-check", []]);
    assert.deepEqual(
      report.unchecked.map(({ part }) => part),
      ["redis affexai-redis"],
    );
    await stage.patch(stage.uuids.backend, { stop_grace_period: 60 });
    const both = await stage.compare();
    assert.deepEqual([both.outcome, both.unchecked.length], ["drift", 1]);
    assert.deepEqual(lines(both), ["backend: setting stop_grace_period: 5 -> 60"]);
    assert.match(
      textNotes(both).at(-1) ?? "",
      /^test: 1 difference, 1 part could not be looked at, \d+ parts looked at$/,
    );
  });

  it("refuses to repair while a release is under way, and touches nothing", async () => {
    await stage.ledger.joinAttempt({ id: "2026.11.3", after: null }, "test");
    const report = await stage.compare();
    told.push(report);
    assert.deepEqual(lines(report), [
      "backend: setting stop_grace_period: 5 -> 60",
      `ledger of backend: ledger newest attempt: ${record.id} verified -> 2026.11.3 open`,
    ]);
    const start = stage.platform.traffic.requests.length;
    await assert.rejects(stage.repair(report), { kind: "refused", message: /the ledger is at 2026\.11\.3, open/ });
    assert.equal(stage.platform.traffic.requests.length, start);
  });

  it("shows no value of a variable, a password or a label in any report", () => {
    assert.ok(told.length > edits.length);
    for (const report of told) {
      const texts = [
        JSON.stringify(report),
        markdownReport(report),
        ...textNotes(report),
        ...(textRows(report) ?? []).flat(),
      ];
      assert.doesNotMatch(texts.join("\n"), /planted/i);
    }
  });
});
