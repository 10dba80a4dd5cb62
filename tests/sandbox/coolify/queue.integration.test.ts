import assert from "node:assert/strict";
import type { Fields } from "../../../sandbox/coolify/json.ts";
import { openWorkshop, program, type Workshop } from "./engine.ts";
import { addApplication, fieldsIn, until } from "./fixture.ts";

// Deployments here are held at the gate by a long start period, until the test lets them go or the server closes.
const held: Fields = {
  health_check_enabled: true,
  health_check_path: "/ready",
  health_check_start_period: 3600,
  health_check_interval: 1,
};

describe("Coolify's deployment queue", () => {
  let workshop: Workshop;
  let image: Fields;
  beforeEach(async () => {
    workshop = await openWorkshop({
      tokens: [
        { token: "1|root", abilities: ["root"], teamId: 0 },
        { token: "2|reader", abilities: ["read"], teamId: 0 },
      ],
    });
    await workshop.login();
    const { name, digest } = await workshop.push("acme/shop", program("1"));
    image = { docker_registry_image_name: name, docker_registry_image_tag: digest.replace("sha256:", "sha256-") };
  });
  afterEach(() => workshop.close());

  const add = (fields: Fields = {}) => addApplication(workshop.coolify, workshop.place, { ...image, ...fields });
  const start = async (uuid: string, force = true): Promise<string> => {
    const answer = await workshop.coolify.expect(200, "POST", "/deploy", { uuid, force });
    return fieldsIn(answer.deployments)[0]?.deployment_uuid as string;
  };
  const status = async (id: string) => (await workshop.coolify.expect(200, "GET", `/deployments/${id}`)).status;
  const cancel = (id: string) => workshop.coolify.expect(200, "POST", `/deployments/${id}/cancel`);

  it("answers 200 with an id that does not exist when a deployment is in the way", async () => {
    const uuid = await add(held);
    const first = await start(uuid, false);
    const answer = await workshop.coolify.expect(200, "POST", "/deploy", { uuid });
    const [phantom] = fieldsIn(answer.deployments);
    assert.equal(phantom?.message, "Deployment already queued for this commit.");
    assert.notEqual(phantom.deployment_uuid, first);
    await workshop.coolify.expect(404, "GET", `/deployments/${phantom.deployment_uuid as string}`);
    for (const action of ["start", "restart"]) {
      const { message, ...rest } = await workshop.coolify.expect(200, "POST", `/applications/${uuid}/${action}`);
      assert.deepEqual([message, rest], ["Deployment already queued for this commit.", {}]);
    }
  });

  it("runs one deployment of an application at a time, and reads the settings when it starts", async () => {
    const uuid = await add(held);
    const [first, second] = [await start(uuid), await start(uuid)];
    assert.deepEqual([await status(first), await status(second)], ["in_progress", "queued"]);
    const { name, digest } = await workshop.push("acme/shop", program("2"));
    await workshop.coolify.expect(200, "PATCH", `/applications/${uuid}`, {
      docker_registry_image_name: name,
      docker_registry_image_tag: digest.replace("sha256:", "sha256-"),
      health_check_enabled: false,
    });
    await cancel(first);
    assert.equal((await workshop.finished(second)).status, "finished");
    const containers = await workshop.containers(uuid);
    assert.ok(containers.some(({ Config }) => Config.Image === `${name}@${digest}`));
  });

  it("runs concurrent_builds deployments on a server, the others wait oldest first", async () => {
    const uuids = [await add(held), await add(held), await add(held), await add(held)];
    const ids = await Promise.all(uuids.map((uuid) => start(uuid)));
    assert.deepEqual(await Promise.all(ids.map(status)), ["in_progress", "in_progress", "queued", "queued"]);
    await cancel(ids[0] ?? "");
    assert.deepEqual(await Promise.all(ids.map(status)), ["cancelled-by-user", "in_progress", "in_progress", "queued"]);
  });

  it("answers 429 with Retry-After when the queue is full, but start says 200 and makes an id up", async () => {
    await workshop.coolify.expect(201, "PATCH", `/servers/${workshop.place.server_uuid as string}`, {
      deployment_queue_limit: 1,
    });
    const uuid = await add(held);
    await start(uuid);
    await start(uuid);
    const full = await workshop.coolify.ask("POST", "/deploy", { uuid, force: true });
    assert.deepEqual([full.status, full.headers.get("retry-after")], [429, "60"]);
    assert.deepEqual(full.json, {
      message: "Deployment queue is full. Please wait for existing deployments to complete.",
    });
    const { deployment_uuid } = await workshop.coolify.expect(200, "POST", `/applications/${uuid}/start`);
    await workshop.coolify.expect(404, "GET", `/deployments/${deployment_uuid as string}`);
    await workshop.coolify.expect(400, "POST", `/applications/${uuid}/rollback`, { commit: "1.0" });
  });

  it("cancels once; a deployment that has ended is refused with 400", async () => {
    const id = await start(await add(held));
    assert.deepEqual(await cancel(id), {
      message: "Deployment cancelled successfully.",
      deployment_uuid: id,
      status: "cancelled-by-user",
    });
    const again = await workshop.coolify.expect(400, "POST", `/deployments/${id}/cancel`);
    assert.deepEqual(again, { message: "Deployment cannot be cancelled. Current status: cancelled-by-user" });
  });

  it("removes the old release all the same when a deployment is cancelled while it waits at the gate", async () => {
    const uuid = await add({ ...held, health_check_start_period: 1 });
    assert.equal((await workshop.finished(await start(uuid))).status, "finished");
    const [old] = await workshop.containers(uuid);
    const id = await start(uuid);
    await until("both releases", async () => (await workshop.containers(uuid)).length === 2);
    await cancel(id);
    assert.equal((await workshop.finished(id)).status, "cancelled-by-user");
    const left = await workshop.containers(uuid);
    assert.equal(left.length, 1);
    assert.notEqual(left[0]?.Id, old?.Id);
  });

  it("lists open deployments, as an object when an older one has moved", async () => {
    assert.deepEqual((await workshop.coolify.ask("GET", "/deployments")).json, []);
    const [first, second] = [await add(held), await add(held)];
    const id = await start(first);
    const alone = (await workshop.coolify.ask("GET", "/deployments")).json;
    assert.deepEqual(
      fieldsIn(alone).map(({ deployment_uuid }) => deployment_uuid),
      [id],
    );
    await until("the gate", async () => (await workshop.containers(first)).length === 1);
    await start(second);
    await start(second);
    await until("an object", async () => {
      const { json } = await workshop.coolify.ask("GET", "/deployments");
      return json !== null && typeof json === "object" && !Array.isArray(json) && Object.keys(json).length === 3;
    });
    await until("the gate of the other", async () => (await workshop.containers(second)).length === 1);
  });

  it("gives the history of an application as count and deployments, newest first, logs only to those who may see them", async () => {
    const uuid = await add();
    const ids = [await start(uuid), await start(uuid)];
    for (const id of ids) await workshop.finished(id);
    const { count, deployments } = await workshop.coolify.expect(
      200,
      "GET",
      `/deployments/applications/${uuid}?take=1`,
    );
    assert.equal(count, 2);
    assert.deepEqual(
      fieldsIn(deployments).map(({ deployment_uuid }) => deployment_uuid),
      [ids[1]],
    );
    assert.equal(typeof fieldsIn(deployments)[0]?.logs, "string");
    const plain = await workshop.coolify.ask("GET", `/deployments/${ids[0]}`, undefined, { token: "2|reader" });
    assert.equal("logs" in (plain.json as Fields), false);
    assert.deepEqual([(plain.json as Fields).commit, (plain.json as Fields).docker_registry_image_tag], ["HEAD", null]);
  });

  it("fails what was open when it comes back, and leaves the containers alone", async () => {
    const uuid = await add(held);
    const [running, waiting] = [await start(uuid), await start(uuid)];
    await until("the new container", async () => (await workshop.containers(uuid)).length === 1);
    await workshop.coolify.restart();
    assert.deepEqual([await status(running), await status(waiting)], ["failed", "failed"]);
    assert.equal((await workshop.containers(uuid)).length, 1);
    await workshop.coolify.expect(200, "PATCH", `/applications/${uuid}`, { health_check_enabled: false });
    assert.equal((await workshop.finished(await start(uuid, false))).status, "finished");
    assert.equal((await workshop.containers(uuid)).length, 1);
  });

  it("does not deploy by a body of image and tag: a tag means a tag of resources", async () => {
    const uuid = await add();
    const refused = (await workshop.coolify.expect(400, "POST", `/deploy?uuid=${uuid}`, { image: "x", tag: "v2" }))
      .message;
    assert.equal(refused, "You can only use uuid or tag, not both.");
    await workshop.coolify.expect(404, "POST", "/deploy", { image: "x", tag: "v2" });
    await workshop.coolify.expect(201, "POST", `/applications/${uuid}/tags`, { tag_name: "v2" });
    const { message, details } = await workshop.coolify.expect(200, "POST", "/deploy", { tag: "v2" });
    assert.deepEqual([(message as string[]).length, fieldsIn(details)[0]?.resource_uuid], [1, uuid]);
    await workshop.finished(fieldsIn(details)[0]?.deployment_uuid as string);
  });

  for (const [version, deployed] of [
    ["4.3.11", "1"],
    ["4.4.7", "2"],
  ] as const) {
    it(`rolls back to ${deployed === "1" ? "the configured tag, whatever is asked for," : "the tag that is asked for"} in ${version}`, async () => {
      await workshop.push("acme/pair", program("1"));
      const { name } = await workshop.push("acme/pair", program("2"));
      const uuid = await add({ docker_registry_image_name: name, docker_registry_image_tag: "configured" });
      await workshop.coolify.restart({ version });
      const { deployment_uuid } = await workshop.coolify.expect(200, "POST", `/applications/${uuid}/rollback`, {
        commit: "latest",
      });
      const deployment = await workshop.finished(deployment_uuid as string);
      assert.equal(deployment.status, deployed === "1" ? "failed" : "finished");
      const tag = deployed === "1" ? "configured" : "latest";
      assert.match(deployment.logs as string, new RegExp(`Starting deployment of [^ ]+:${tag} to localhost`));
      const seen = await workshop.coolify.expect(200, "GET", `/applications/${uuid}`);
      assert.equal(seen.docker_registry_image_tag, "configured");
    });
  }
});
