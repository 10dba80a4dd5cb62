import assert from "node:assert/strict";
import { plain, type Fields } from "../../../sandbox/coolify/json.ts";
import { addApplication, fieldsIn, openPlace, openPlayground, rootToken, type Playground } from "./fixture.ts";

const hex = "0f".repeat(32);
const base64 = (text: string): string => Buffer.from(text).toString("base64");

describe("applications in Coolify", () => {
  let coolify: Playground;
  let place: Fields;
  before(async () => {
    coolify = await openPlayground({
      tokens: [rootToken, { token: "2|reader", abilities: ["read", "write"], teamId: 0 }],
    });
    place = await openPlace(coolify);
  });
  after(() => coolify.close());
  const read = (uuid: string) => coolify.expect(200, "GET", `/applications/${uuid}`);
  const image = { docker_registry_image_name: "ghcr.io/acme/shop" };

  describe("on create", () => {
    it("gets a public sslip.io host unless autogenerate_domain is false", async () => {
      const made = await coolify.expect(201, "POST", "/applications/dockerimage", { ...place, ...image });
      assert.equal(made.domains, `http://${made.uuid as string}.127.0.0.1.sslip.io`);
      const quiet = await coolify.expect(201, "POST", "/applications/dockerimage", {
        ...place,
        ...image,
        autogenerate_domain: false,
      });
      assert.equal(quiet.domains, null);
    });

    it("is not idempotent: the same request makes a second application", async () => {
      const [first, second] = [
        await addApplication(coolify, place, { name: "twin" }),
        await addApplication(coolify, place, { name: "twin" }),
      ];
      assert.notEqual(first, second);
    });

    it("refuses the whole request for one unknown field, beside the other problems", async () => {
      const { errors } = await coolify.expect(422, "POST", "/applications/dockerimage", {
        project_uuid: "x",
        is_container_label_readonly_enabled: false,
      });
      assert.deepEqual(errors, {
        server_uuid: ["This field is required."],
        is_container_label_readonly_enabled: ["This field is not allowed."],
      });
    });

    it("answers what is missing one by one, as the handler does", async () => {
      const { environment_name, ...nowhere } = place;
      const cases: [Fields, number, string][] = [
        [{ ...nowhere, ...image }, 422, "You need to provide at least one of environment_name or environment_uuid."],
        [{ ...place, ...image, project_uuid: "x" }, 404, "Project not found."],
        [{ ...place, ...image, environment_name: "x" }, 404, "Environment not found."],
        [{ ...place, ...image, server_uuid: "x" }, 404, "Server not found."],
      ];
      assert.equal(environment_name, "production");
      for (const [body, status, message] of cases) {
        assert.deepEqual(await coolify.expect(status, "POST", "/applications/dockerimage", body), { message });
      }
    });

    it("refuses a digest as tag, and stores the digest forms as they render", async () => {
      const send = (fields: Fields, status: number) =>
        coolify.expect(status, "POST", "/applications/dockerimage", {
          ...place,
          ...image,
          autogenerate_domain: false,
          ...fields,
        });
      const { errors } = await send({ docker_registry_image_tag: `sha256:${hex}` }, 422);
      assert.deepEqual(errors, {
        docker_registry_image_tag: ["The docker registry image tag field format is invalid."],
      });
      const formA = await read((await send({ docker_registry_image_tag: `sha256-${hex}` }, 201)).uuid as string);
      assert.deepEqual(
        [formA.docker_registry_image_name, formA.docker_registry_image_tag],
        ["ghcr.io/acme/shop", `sha256-${hex}`],
      );
      const formB = await read(
        (await send({ docker_registry_image_name: `ghcr.io/acme/shop@sha256:${hex}` }, 201)).uuid as string,
      );
      assert.deepEqual(
        [formB.docker_registry_image_name, formB.docker_registry_image_tag],
        ["ghcr.io/acme/shop@sha256", hex],
      );
    });

    it("overwrites custom_labels with generated ones", async () => {
      const own = base64("traefik.enable=false");
      const unrouted = await read(await addApplication(coolify, place, { custom_labels: own }));
      assert.equal(unrouted.custom_labels, "");
      const routed = await read(
        await addApplication(coolify, place, { custom_labels: own, domains: "http://labels.example:8080/api" }),
      );
      const labels = plain(routed.custom_labels).split("\n");
      assert.ok(
        labels.includes(
          `traefik.http.routers.http-0-${routed.uuid as string}.rule=Host(\`labels.example\`) && PathPrefix(\`/api\`)`,
        ),
      );
      assert.ok(labels.includes(`traefik.http.services.http-0-${routed.uuid as string}.loadbalancer.server.port=8080`));
      assert.ok(labels.includes("caddy_0=http://labels.example"));
    });

    it("starts with Coolify's defaults: gate off, grace period unset, no restart limit", async () => {
      const { settings, ...seen } = await read(await addApplication(coolify, place));
      const { stop_grace_period, is_container_label_escape_enabled } = settings as Fields;
      assert.deepEqual(
        [
          seen.health_check_enabled,
          seen.health_check_retries,
          seen.max_restart_count,
          stop_grace_period,
          is_container_label_escape_enabled,
        ],
        [false, 10, 0, null, true],
      );
    });

    it("does not build: other types answer 501", async () => {
      await coolify.expect(501, "POST", "/applications/public", { ...place, git_repository: "x" });
    });
  });

  describe("on PATCH", () => {
    it("has a list of its own: placement, tags and autogenerate_domain are refused", async () => {
      const uuid = await addApplication(coolify, place);
      for (const field of [
        "project_uuid",
        "server_uuid",
        "environment_name",
        "destination_uuid",
        "autogenerate_domain",
        "tags",
      ]) {
        const { errors } = await coolify.expect(422, "PATCH", `/applications/${uuid}`, { name: "x", [field]: "y" });
        assert.deepEqual(errors, { [field]: ["This field is not allowed."] });
      }
      assert.notEqual((await read(uuid)).name, "x");
    });

    it("answers some problems as text and others as a list", async () => {
      const uuid = await addApplication(coolify, place);
      const errors = async (body: Fields) => (await coolify.expect(422, "PATCH", `/applications/${uuid}`, body)).errors;
      assert.deepEqual(await errors({ custom_labels: "not base64" }), {
        custom_labels: "The custom_labels should be base64 encoded.",
      });
      assert.deepEqual(await errors({ custom_labels: "" }), {
        custom_labels: "The custom_labels should be base64 encoded.",
      });
      assert.deepEqual(await errors({ ports_exposes: "http" }), {
        ports_exposes: "The ports_exposes should be a comma separated list of numbers.",
      });
      assert.deepEqual(await errors({ ports_mappings: "80:1,80:2" }), {
        ports_mappings: "The first number before : should be unique between mappings.",
      });
      assert.deepEqual(await errors({ health_check_path: "/ready?deep=1" }), {
        health_check_path: ["The health check path field format is invalid."],
      });
      assert.deepEqual(await errors({ domains: "ftp://files.example" }), [
        "Invalid URL scheme: ftp for URL: ftp://files.example. Only http and https are supported.",
      ]);
    });

    it("stores custom_labels as sent, and regenerates them when the request touches what they are made of", async () => {
      const uuid = await addApplication(coolify, place);
      const own = base64("traefik.enable=true\nown=1");
      const patch = (body: Fields) => coolify.expect(200, "PATCH", `/applications/${uuid}`, body);
      await patch({ custom_labels: own });
      assert.equal((await read(uuid)).custom_labels, own);
      await patch({ ports_exposes: "4000", health_check_path: "/x" });
      assert.equal((await read(uuid)).custom_labels, own);
      const touches: Fields[] = [
        { domains: "http://touched.example" },
        { noindex_domains: [] },
        { http_basic_auth_username: "me" },
      ];
      for (const touch of touches) {
        await patch({ custom_labels: own });
        await patch(touch);
        assert.match(plain((await read(uuid)).custom_labels), /^traefik\.enable=true\n/, JSON.stringify(touch));
        assert.notEqual((await read(uuid)).custom_labels, own);
      }
      const settings: Fields[] = [{ is_gzip_enabled: true }, { is_stripprefix_enabled: true }];
      for (const touch of settings) {
        await patch({ custom_labels: own });
        await patch(touch);
        assert.notEqual((await read(uuid)).custom_labels, own, JSON.stringify(touch));
      }
    });

    it("keeps labels that come in the same request as gzip, but not those beside domains", async () => {
      const uuid = await addApplication(coolify, place);
      const own = base64("own=1");
      await coolify.expect(200, "PATCH", `/applications/${uuid}`, { custom_labels: own, is_gzip_enabled: false });
      assert.equal((await read(uuid)).custom_labels, own);
      await coolify.expect(200, "PATCH", `/applications/${uuid}`, { custom_labels: own, domains: "" });
      assert.equal((await read(uuid)).custom_labels, "");
    });

    it("does not run the image parser, so form B needs both fields to be left", async () => {
      const uuid = await addApplication(coolify, place, {
        docker_registry_image_name: `ghcr.io/acme/shop@sha256:${hex}`,
      });
      await coolify.expect(200, "PATCH", `/applications/${uuid}`, { docker_registry_image_tag: "1.0" });
      const seen = await read(uuid);
      assert.deepEqual(
        [seen.docker_registry_image_name, seen.docker_registry_image_tag],
        ["ghcr.io/acme/shop@sha256", "1.0"],
      );
      await coolify.expect(422, "PATCH", `/applications/${uuid}`, {
        docker_registry_image_name: "ghcr.io/acme/shop:1.0",
      });
    });

    it("turns empty text into null, numbers into the column's type, and a port into text", async () => {
      const uuid = await addApplication(coolify, place);
      await coolify.expect(200, "PATCH", `/applications/${uuid}`, {
        description: "",
        health_check_port: 3000,
        health_check_interval: "2",
        custom_network_aliases: "the shop, api,api",
        ports_mappings: "",
      });
      const seen = await read(uuid);
      assert.deepEqual(
        [
          seen.description,
          seen.health_check_port,
          seen.health_check_interval,
          seen.custom_network_aliases,
          seen.ports_mappings,
        ],
        [null, "3000", 2, "the-shop,api", null],
      );
    });

    it("refuses a domain of another application with 409 unless it is forced", async () => {
      const first = await addApplication(coolify, place, { name: "first", domains: "http://taken.example" });
      const second = await addApplication(coolify, place);
      const conflict = await coolify.expect(409, "PATCH", `/applications/${second}`, {
        domains: "http://Taken.example/",
      });
      assert.deepEqual(conflict.conflicts, [
        {
          domain: "http://taken.example",
          resource_name: "first",
          resource_uuid: first,
          resource_type: "application",
          message: "Domain http://taken.example is already in use by application 'first'",
        },
      ]);
      await coolify.expect(200, "PATCH", `/applications/${second}`, {
        domains: "http://taken.example",
        force_domain_override: true,
      });
      await coolify.expect(200, "PATCH", `/applications/${first}`, {
        domains: "http://taken.example",
        force_domain_override: true,
      });
    });

    it("wants both credentials when basic authentication is turned on", async () => {
      const uuid = await addApplication(coolify, place);
      const { errors } = await coolify.expect(422, "PATCH", `/applications/${uuid}`, {
        is_http_basic_auth_enabled: true,
      });
      assert.deepEqual(errors, {
        http_basic_auth_username: "The http_basic_auth_username is required.",
        http_basic_auth_password: "The http_basic_auth_password is required.",
      });
    });
  });

  it("leaves secrets out, rather than masking them, for a token without read:sensitive", async () => {
    const uuid = await addApplication(coolify, place);
    await coolify.expect(200, "PATCH", `/applications/${uuid}`, {
      custom_labels: base64("a=b"),
      http_basic_auth_password: "x",
    });
    const { json } = await coolify.ask("GET", `/applications/${uuid}`, undefined, { token: "2|reader" });
    for (const name of ["custom_labels", "http_basic_auth_password", "manual_webhook_secret_github"]) {
      assert.equal(name in (json as Fields), false, name);
      assert.equal(name in (await read(uuid)), true, name);
    }
  });

  it("shows neither project nor server uuid at the top, and the domains as fqdn", async () => {
    const seen = await read(await addApplication(coolify, place, { domains: "http://seen.example" }));
    assert.deepEqual(
      ["project_uuid" in seen, "server_uuid" in seen, "id" in seen, seen.fqdn],
      [false, false, false, "http://seen.example"],
    );
  });

  it("deletes in the background, and tells it from nothing by 404", async () => {
    const uuid = await addApplication(coolify, place);
    assert.deepEqual(await coolify.expect(404, "DELETE", "/applications/nothing"), {
      message: "Application not found",
    });
    assert.deepEqual(await coolify.expect(200, "DELETE", `/applications/${uuid}`), {
      message: "Application deletion request queued.",
    });
  });

  it("needs the deploy ability for instant_deploy", async () => {
    const body = { ...place, ...image, instant_deploy: true };
    const answer = await coolify.ask("POST", "/applications/dockerimage", body, { token: "2|reader" });
    assert.deepEqual([answer.status, answer.json], [403, { message: "Missing required permissions: deploy" }]);
  });

  it("tags, finds by tag, and forgets tags nobody has", async () => {
    const uuid = await addApplication(coolify, place, { tags: ["Blue", "edge"] });
    assert.deepEqual(
      fieldsIn((await coolify.ask("GET", "/applications?tag=blue")).json).map((one) => one.uuid),
      [uuid],
    );
    const tags = fieldsIn(
      (await coolify.expect(201, "POST", `/applications/${uuid}/tags`, { tag_name: "green" })).list,
    );
    assert.deepEqual(
      tags.map(({ name }) => name),
      ["blue", "edge", "green"],
    );
    await coolify.expect(200, "DELETE", `/applications/${uuid}/tags/${tags[0]?.uuid as string}`);
    assert.deepEqual((await coolify.ask("GET", "/applications?tag=blue")).json, []);
    await coolify.expect(422, "POST", `/applications/${uuid}/tags`, { tag_name: "x" });
  });

  it("keeps storages under the application's uuid, and scheduled tasks", async () => {
    const uuid = await addApplication(coolify, place);
    const storage = await coolify.expect(201, "POST", `/applications/${uuid}/storages`, {
      type: "persistent",
      name: "data",
      mount_path: "/data",
    });
    assert.equal(storage.name, `${uuid}-data`);
    const { errors } = await coolify.expect(422, "POST", `/applications/${uuid}/storages`, {
      type: "file",
      name: "x",
      mount_path: "/x",
    });
    assert.deepEqual(errors, { name: "Field 'name' is not valid for type 'file'." });
    await coolify.expect(200, "DELETE", `/applications/${uuid}/storages/${storage.uuid as string}`);
    const task = await coolify.expect(201, "POST", `/applications/${uuid}/scheduled-tasks`, {
      name: "sweep",
      command: "true",
      frequency: "hourly",
    });
    assert.deepEqual([task.timeout, task.enabled], [300, true]);
    await coolify.expect(422, "PATCH", `/applications/${uuid}/scheduled-tasks/${task.uuid as string}`, {
      frequency: "now and then",
    });
    await coolify.expect(200, "DELETE", `/applications/${uuid}/scheduled-tasks/${task.uuid as string}`);
  });
});

describe("a server whose proxy is none", () => {
  it("ignores domains on PATCH without a word", async () => {
    const coolify = await openPlayground({ proxy: "none" });
    try {
      const uuid = await addApplication(coolify, await openPlace(coolify));
      await coolify.expect(200, "PATCH", `/applications/${uuid}`, { domains: "http://ignored.example" });
      assert.equal((await coolify.expect(200, "GET", `/applications/${uuid}`)).fqdn, null);
    } finally {
      await coolify.close();
    }
  });
});
