import assert from "node:assert/strict";
import { readFile, stat } from "node:fs/promises";
import path from "node:path";
import { openWorkshop, program, type Workshop } from "./engine.ts";
import { addApplication, fieldsIn } from "./fixture.ts";

describe("registry logins of a server", () => {
  let workshop: Workshop;
  let route: string;
  before(async () => {
    workshop = await openWorkshop();
    route = `/servers/${workshop.place.server_uuid as string}/registries`;
  });
  after(() => workshop.close());
  const { username, password } = { username: "deployer", password: "pull-secret" };

  it("proves a login against the registry before it saves it, and keeps the password out of the answer", async () => {
    const { coolify, registry } = workshop;
    const wrong = await coolify.expect(400, "POST", route, { registry, username, password: "wrong-secret" });
    assert.match(wrong.message as string, /^Login failed: .*40[13]/);
    assert.doesNotMatch(wrong.message as string, /wrong-secret/);
    assert.deepEqual(
      await coolify.expect(200, "POST", route, { registry: `HTTP://${registry}/`, username, password }),
      {
        message: `Logged in to ${registry}.`,
      },
    );
    const { registries, error } = await coolify.expect(200, "GET", route);
    assert.deepEqual(
      [registries, error],
      [[{ registry, logged_in: true, source: "auths", username, used_by: [] }], null],
    );
  });

  it("keeps it where docker does, for the owner only", async () => {
    const file = path.join(workshop.coolify.dir, "docker-config.json");
    const config = JSON.parse(await readFile(file, "utf8")) as { auths: Record<string, { auth: string }> };
    assert.equal(config.auths[workshop.registry]?.auth, Buffer.from(`${username}:${password}`).toString("base64"));
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    assert.doesNotMatch(await readFile(path.join(workshop.coolify.dir, "state.json"), "utf8"), new RegExp(password));
  });

  it("checks, lists who needs it, and logs out", async () => {
    const { coolify, place, registry } = workshop;
    const one = `${route}/${encodeURIComponent(registry)}`;
    assert.deepEqual(await coolify.expect(200, "POST", `${one}/check`), {
      message: `The login for ${registry} works.`,
    });
    const { name } = await workshop.push("acme/shop", program("1"));
    await addApplication(coolify, place, { docker_registry_image_name: name, name: "needs it" });
    await coolify.expect(200, "DELETE", one);
    const [row] = fieldsIn((await coolify.expect(200, "GET", route)).registries);
    assert.deepEqual([row?.logged_in, fieldsIn(row?.used_by).map((use) => use.name)], [false, ["needs it"]]);
    const { message } = await coolify.expect(400, "POST", `${one}/check`);
    assert.match(message as string, /^Login check failed:/);
  });

  it("refuses what is not a registry, names with spaces and unknown fields", async () => {
    const { errors } = await workshop.coolify.expect(422, "POST", route, {
      registry: "bad host;rm",
      username: "a b",
      extra: 1,
    });
    assert.deepEqual(errors, {
      registry: ["Enter a registry host, for example ghcr.io or registry.example.com:5000."],
      username: ["The username must not contain spaces."],
      password: ["This field is required."],
      extra: ["This field is not allowed."],
    });
    await workshop.coolify.expect(422, "DELETE", `${route}/bad%20host`);
  });

  it("says which host did not answer", async () => {
    const { message } = await workshop.coolify.expect(400, "POST", route, {
      registry: "127.0.0.1:1",
      username,
      password,
    });
    assert.match(message as string, /^Login failed: .*127\.0\.0\.1:1\/v2\//);
  });
});
