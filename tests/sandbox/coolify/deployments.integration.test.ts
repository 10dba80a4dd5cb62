import assert from "node:assert/strict";
import type { Fields } from "../../../sandbox/coolify/json.ts";
import { openWorkshop, program, type Workshop } from "./engine.ts";
import { addApplication, fieldsIn, until } from "./fixture.ts";

const base64 = (text: string): string => Buffer.from(text).toString("base64");
const tagOf = (digest: string): string => digest.replace("sha256:", "sha256-");
const log = (deployment: Fields): string =>
  (JSON.parse(deployment.logs as string) as { output: string }[]).map(({ output }) => output).join("\n");

const gate: Fields = {
  health_check_enabled: true,
  health_check_host: "127.0.0.1",
  health_check_path: "/ready",
  health_check_interval: 1,
  health_check_timeout: 1,
  health_check_retries: 5,
  health_check_start_period: 1,
};

describe("a deployment by Coolify", () => {
  let workshop: Workshop;
  let one: Fields;
  let two: Fields;
  let crashing: Fields;
  before(async () => {
    workshop = await openWorkshop();
    await workshop.login();
    const image = async (repository: string, source: string): Promise<Fields> => {
      const { name, digest } = await workshop.push(repository, source);
      return { docker_registry_image_name: name, docker_registry_image_tag: tagOf(digest) };
    };
    one = await image("acme/shop", program("1"));
    two = await image("acme/shop", program("2"));
    crashing = await image("acme/shop", "console.error('no luck'); process.exit(1);");
  });
  after(() => workshop.close());

  const patch = (uuid: string, body: Fields) => workshop.coolify.expect(200, "PATCH", `/applications/${uuid}`, body);
  const add = (fields: Fields) => addApplication(workshop.coolify, workshop.place, { ...fields, name: "shop" });
  const set = (uuid: string, key: string, value: string) =>
    workshop.coolify.expect(201, "POST", `/applications/${uuid}/envs`, { key, value, is_literal: true });
  const versionOf = async (uuid: string) => {
    const [container] = await workshop.containers(uuid);
    assert.ok(container);
    return (await until("an answer", () => workshop.get(container, "/"))).body.version;
  };

  it("fails with the registry's words while the server is not logged in, and leaves no container", async () => {
    const registries = `/servers/${workshop.place.server_uuid as string}/registries`;
    await workshop.coolify.expect(200, "DELETE", `${registries}/${encodeURIComponent(workshop.registry)}`);
    const uuid = await add(one);
    const deployment = await workshop.deploy(uuid);
    await workshop.login();
    assert.equal(deployment.status, "failed");
    assert.match(log(deployment), /Failed to start container: .*(denied|unauthorized|anonymous)/is);
    assert.deepEqual(await workshop.containers(uuid), []);
    assert.equal((await workshop.deploy(uuid)).status, "finished");
  });

  it("gives the container its name, aliases, environment, restart policy and exactly our labels beside Coolify's", async () => {
    const uuid = await add({ ...one, custom_network_aliases: "shop-internal" });
    const labels = [
      "traefik.enable=true",
      "traefik.http.routers.a.rule=Host(`a.example`) && Header(`x`, `$1 $$2`)",
      "coolify.name=mine",
    ];
    await patch(uuid, { custom_labels: base64(labels.join("\n")), stop_grace_period: 7 });
    await set(uuid, "SECRET", 'q"$HOME');
    assert.equal((await workshop.deploy(uuid)).status, "finished");
    const [container] = await workshop.containers(uuid);
    assert.ok(container);
    assert.match(container.Name, new RegExp(`^/${uuid}-\\d{12}$`));
    assert.equal(container.HostConfig.RestartPolicy?.Name, "unless-stopped");
    const own = container.Config.Labels;
    assert.equal(own["traefik.http.routers.a.rule"], "Host(`a.example`) && Header(`x`, `$1 $$2`)");
    assert.deepEqual(
      [own["coolify.managed"], own["coolify.name"], own["coolify.resourceName"], own["coolify.pullRequestId"]],
      ["true", uuid, "shop", "0"],
    );
    const aliases = container.NetworkSettings.Networks.coolify?.Aliases as string[] | undefined;
    assert.ok(aliases?.includes("shop-internal"), JSON.stringify(aliases));
    const { env } = (await until("an answer", () => workshop.get(container, "/"))).body as { env: Fields };
    assert.deepEqual(
      [env.SECRET, env.PORT, env.HOST, env.SOURCE_COMMIT, env.COOLIFY_RESOURCE_UUID, env.COOLIFY_CONTAINER_NAME],
      ['q"$HOME', "3000", "0.0.0.0", "HEAD", uuid, container.Name.slice(1)],
    );
  });

  it("reports a crashing release as finished when the gate is off, which is the default", async () => {
    const uuid = await add(one);
    await workshop.deploy(uuid);
    await patch(uuid, crashing);
    assert.equal((await workshop.deploy(uuid)).status, "finished");
    const [container, ...others] = await workshop.containers(uuid);
    assert.equal(others.length, 0);
    assert.notEqual(container?.State.Status, "exited");
    await until("the crash", async () => {
      const { status } = await workshop.coolify.expect(200, "GET", `/applications/${uuid}`);
      return status === "restarting:unknown" || status === "degraded:unhealthy";
    });
  });

  it("keeps the old release serving until the new one is healthy, and waits the start period in full", async () => {
    const uuid = await add({ ...one, ...gate });
    await workshop.deploy(uuid);
    const [old] = await workshop.containers(uuid);
    assert.ok(old);
    await patch(uuid, { ...two, health_check_start_period: 2 });
    const begun = Date.now();
    const answer = await workshop.coolify.expect(200, "POST", "/deploy", { uuid });
    const [{ deployment_uuid } = {}] = fieldsIn(answer.deployments);
    await until("both releases", async () => (await workshop.containers(uuid)).length === 2);
    assert.equal((await workshop.get(old, "/")).body.version, "1");
    const deployment = await workshop.finished(deployment_uuid as string);
    assert.ok(Date.now() - begun >= 2000);
    assert.equal(deployment.status, "finished", log(deployment));
    assert.match(log(deployment), /start period \(2 seconds\)[^]*Attempt \d of 5 \| Healthcheck status: "healthy"/);
    assert.equal(await versionOf(uuid), "2");
    const { status } = await workshop.coolify.expect(200, "GET", `/applications/${uuid}`);
    assert.equal(status, "running:healthy");
  });

  it("fails at the gate, removes the new container and keeps the old one; the configured image stays the bad one", async () => {
    const uuid = await add({ ...one, ...gate, health_check_retries: 2 });
    await workshop.deploy(uuid);
    const [old] = await workshop.containers(uuid);
    assert.ok(old);
    await set(uuid, "READY", "no");
    await patch(uuid, two);
    const deployment = await workshop.deploy(uuid);
    assert.equal(deployment.status, "failed");
    assert.match(log(deployment), /New container is not healthy, rolling back to the old container/);
    assert.match(log(deployment), /version 2 listens/);
    assert.deepEqual(
      (await workshop.containers(uuid)).map(({ Id }) => Id),
      [old.Id],
    );
    assert.equal(await versionOf(uuid), "1");
    const seen = await workshop.coolify.expect(200, "GET", `/applications/${uuid}`);
    assert.equal(seen.docker_registry_image_tag, two.docker_registry_image_tag);
  });

  it("keeps the old release when the new image cannot be pulled", async () => {
    const uuid = await add(one);
    await workshop.deploy(uuid);
    await patch(uuid, { docker_registry_image_tag: `sha256-${"00".repeat(32)}` });
    const deployment = await workshop.deploy(uuid);
    assert.equal(deployment.status, "failed");
    assert.equal(await versionOf(uuid), "1");
  });

  it("fails a gate that has nothing to ask: no port, no health section", async () => {
    const uuid = await add({ ...gate, ...one, ports_exposes: null });
    const deployment = await workshop.deploy(uuid);
    assert.equal(deployment.status, "failed");
    assert.match(log(deployment), /the container has no health state/);
  });

  // Host ports are given later: the sandbox's engine cannot publish them.
  for (const [title, before, after] of [
    ["host ports", {}, { ports_mappings: "38080:3000" }],
    ["consistent container names", { is_consistent_container_name_enabled: true }, {}],
    ["a custom internal name", { custom_internal_name: "fixed-name" }, {}],
    ["--ipc, which contains --ip", {}, { custom_docker_run_options: "--ipc=host" }],
  ] as const) {
    it(`stops the old release first, and has no gate, with ${title}`, async () => {
      const uuid = await add({ ...one, ...before, ...gate });
      assert.equal((await workshop.deploy(uuid)).status, "finished");
      await patch(uuid, { ...after, docker_registry_image_tag: `sha256-${"00".repeat(32)}` });
      const deployment = await workshop.deploy(uuid);
      assert.equal(deployment.status, "failed");
      assert.match(log(deployment), /rolling update is not supported/);
      assert.doesNotMatch(log(deployment), /Waiting for healthcheck/);
      const { status } = await workshop.coolify.expect(200, "GET", `/applications/${uuid}`);
      assert.equal(status, "exited:unhealthy");
      await workshop.coolify.expect(200, "DELETE", `/applications/${uuid}`);
    });
  }

  it("leaves the old container beside the new one when consistent names are turned on", async () => {
    const uuid = await add(one);
    await workshop.deploy(uuid);
    await patch(uuid, { is_consistent_container_name_enabled: true });
    assert.equal((await workshop.deploy(uuid)).status, "finished");
    assert.equal((await workshop.containers(uuid)).length, 2);
  });

  it("takes the name prefix of 4.4 and still rolls", async () => {
    const uuid = await add({ ...one, ...gate, custom_container_name_prefix: "web" });
    const deployment = await workshop.deploy(uuid);
    assert.match(log(deployment), /Rolling update started/);
    const names = (await workshop.docker.listContainers()).flatMap(({ Names }) => Names);
    assert.ok(
      names.some((name) => /^\/web-\d{12}$/.test(name)),
      names.join(),
    );
  });

  it("runs the pre-deployment command in the old container, and fails by its exit code", async () => {
    const uuid = await add({ ...one, pre_deployment_command: "echo from $HOSTNAME; exit 3" });
    const first = await workshop.deploy(uuid);
    assert.equal(first.status, "finished");
    assert.match(log(first), /No running containers found. Skipping/);
    await patch(uuid, two);
    const second = await workshop.deploy(uuid);
    assert.equal(second.status, "failed");
    assert.match(log(second), /Command execution failed \(exit code 3\)/);
    assert.equal(await versionOf(uuid), "1");
  });

  it("stays finished when the post-deployment command fails", async () => {
    const uuid = await add({ ...one, post_deployment_command: "echo oops >&2; exit 4" });
    const deployment = await workshop.deploy(uuid);
    assert.equal(deployment.status, "finished");
    assert.match(log(deployment), /Post-deployment command failed.\noops/);
  });

  it("stops by the grace period, in the background", async () => {
    const uuid = await add(one);
    await set(uuid, "STOP_MS", "300");
    await workshop.deploy(uuid);
    const message = { message: "Application stopping request queued." };
    assert.deepEqual(await workshop.coolify.expect(200, "POST", `/applications/${uuid}/stop`), message);
    await until("no container", async () => (await workshop.containers(uuid)).length === 0);
  });

  it("gives the last lines that a running application wrote, and 400 for one that does not run", async () => {
    const uuid = await add(one);
    const route = `/applications/${uuid}/logs`;
    assert.deepEqual(await workshop.coolify.expect(400, "GET", route), { message: "Application is not running." });
    await workshop.deploy(uuid);
    await until("the log", async () =>
      /version 1 listens/.test(String((await workshop.coolify.expect(200, "GET", route)).logs as string)),
    );
  });

  it("removes containers with the application", async () => {
    const uuid = await add(one);
    await workshop.deploy(uuid);
    await workshop.coolify.expect(200, "DELETE", `/applications/${uuid}?delete_volumes=false`);
    await until("404", async () => (await workshop.coolify.ask("GET", `/applications/${uuid}`)).status === 404);
    assert.deepEqual(await workshop.containers(uuid), []);
  });

  it("runs a scheduled task in the container when asked", async () => {
    const uuid = await add(one);
    await workshop.deploy(uuid);
    const task = { name: "say", command: "echo said", frequency: "daily" };
    const route = `/applications/${uuid}/scheduled-tasks`;
    const { uuid: id } = await workshop.coolify.expect(201, "POST", route, task);
    await workshop.coolify.expect(200, "POST", `${route}/${id as string}/execute`);
    const [done] = await until("the execution", async () => {
      const list = fieldsIn((await workshop.coolify.ask("GET", `${route}/${id as string}/executions`)).json);
      return list[0]?.status !== undefined && list[0].status !== "running" && list;
    });
    assert.deepEqual([done?.status, String(done?.message as string).trim()], ["success", "said"]);
  });
});
