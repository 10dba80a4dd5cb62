import assert from "node:assert/strict";
import { openWorkshop, program, type Workshop } from "./engine.ts";
import { addApplication, until } from "./fixture.ts";

describe("a deployment", () => {
  let workshop: Workshop;
  before(async () => {
    workshop = await openWorkshop({ timeScale: 0.2 });
    await workshop.login();
  });
  after(() => workshop.close());

  it("pulls by digest, starts the container and reports it", async () => {
    const { coolify, place } = workshop;
    const { name, digest } = await workshop.push("acme/one", program("1"));
    const uuid = await addApplication(coolify, place, {
      docker_registry_image_name: name,
      docker_registry_image_tag: digest.replace("sha256:", "sha256-"),
      custom_network_aliases: "one",
    });
    const deployment = await workshop.deploy(uuid);
    assert.equal(deployment.status, "finished", String(deployment.logs as string));
    const [container] = await workshop.containers(uuid);
    assert.ok(container);
    console.log(container.Name, container.Config.Image, container.Config.Labels, container.Config.Env);
    const seen = await until("an answer", async () => workshop.get(container, "/"));
    console.log(seen.body);
    console.log(await coolify.expect(200, "GET", `/applications/${uuid}`));
    console.log(deployment);
  });
});
