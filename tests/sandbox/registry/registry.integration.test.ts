import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startRegistry, type Registry } from "../../../sandbox/registry/server.ts";
import { clientOf, errorCode, makeManifest, manifestType, putBlob, sha256, type Client } from "./client.ts";
import { basicHeader, credentials } from "./client.ts";

const repository = "affexai/backend";
const base = `/v2/${repository}`;

describe("the registry", () => {
  let dir: string;
  let registry: Registry;
  let client: Client;

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "registry-"));
    registry = await startRegistry({ host: "127.0.0.1", port: 0, dir, ...credentials });
    client = clientOf(registry);
  });

  afterEach(async () => {
    await registry.close();
    await rm(dir, { recursive: true, force: true });
  });

  describe("access", () => {
    it("challenges with a Bearer realm, service and scope, as ghcr.io does", async () => {
      const answer = await fetch(`${registry.url}${base}/manifests/r1`);
      assert.equal(answer.status, 401);
      assert.equal(await errorCode(answer), "UNAUTHORIZED");
      assert.equal(
        answer.headers.get("www-authenticate"),
        `Bearer realm="${registry.url}/token",service="${registry.host}",scope="repository:${repository}:pull"`,
      );
      const upload = await fetch(`${registry.url}${base}/blobs/uploads/`, { method: "POST" });
      assert.match(upload.headers.get("www-authenticate") ?? "", /scope="repository:affexai\/backend:pull,push"$/);
    });

    it("gives a token for a scope, which opens that and nothing else", async () => {
      const digest = (await putBlob(client, repository, "content")).digest;
      await putBlob(client, "other/app", "content");
      const asked = await client("GET", `/token?service=${registry.host}&scope=repository:${repository}:pull`);
      const { token, expires_in } = (await asked.json()) as { token: string; expires_in: number };
      assert.equal(expires_in, 300);
      const authorization = `Bearer ${token}`;
      const get = async (path: string, method = "GET") =>
        (await client(method, path, undefined, { authorization })).status;
      assert.equal(await get(`${base}/blobs/${digest}`), 200);
      assert.equal(await get("/v2/"), 200);
      assert.equal(await get(`/v2/other/app/blobs/${digest}`), 401);
      assert.equal(await get(`${base}/blobs/uploads/`, "POST"), 401);
      const forged = `${token.split(".")[0]}.${"A".repeat(43)}`;
      assert.equal((await client("GET", "/v2/", undefined, { authorization: `Bearer ${forged}` })).status, 401);
    });

    it("gives no token for a wrong password, and none without", async () => {
      const wrong = { authorization: `Basic ${btoa("robot:wrong")}` };
      const denied = await client("GET", "/token?scope=x", undefined, wrong);
      assert.deepEqual([denied.status, await errorCode(denied)], [403, "DENIED"]);
      assert.equal((await fetch(`${registry.url}/token`)).status, 401);
      assert.equal((await client("GET", "/v2/", undefined, wrong)).status, 401);
    });
  });

  describe("blobs", () => {
    it("come whole, as a head, and in parts", async () => {
      const { digest } = await putBlob(client, repository, "0123456789");
      const whole = await client("GET", `${base}/blobs/${digest}`);
      assert.equal(whole.headers.get("docker-content-digest"), digest);
      assert.equal(whole.headers.get("docker-distribution-api-version"), "registry/2.0");
      assert.equal(await whole.text(), "0123456789");
      const head = await client("HEAD", `${base}/blobs/${digest}`);
      assert.deepEqual([head.status, head.headers.get("content-length"), await head.text()], [200, "10", ""]);
      for (const [range, content, text] of [
        ["bytes=2-4", "bytes 2-4/10", "234"],
        ["bytes=7-", "bytes 7-9/10", "789"],
        ["bytes=-3", "bytes 7-9/10", "789"],
        ["bytes=8-99", "bytes 8-9/10", "89"],
      ] as const) {
        const part = await client("GET", `${base}/blobs/${digest}`, undefined, { range });
        assert.deepEqual([part.status, part.headers.get("content-range"), await part.text()], [206, content, text]);
      }
      const beyond = await client("GET", `${base}/blobs/${digest}`, undefined, { range: "bytes=10-" });
      assert.deepEqual([beyond.status, beyond.headers.get("content-range")], [416, "bytes */10"]);
    });

    it("belong to the repository that they were pushed to", async () => {
      const { digest } = await putBlob(client, repository, "mine");
      const answer = await client("GET", `/v2/other/app/blobs/${digest}`);
      assert.deepEqual([answer.status, await errorCode(answer)], [404, "BLOB_UNKNOWN"]);
    });

    it("are mounted from another repository, or uploaded when that has none", async () => {
      const { digest } = await putBlob(client, "affexai/base", "shared");
      const mounted = await client("POST", `${base}/blobs/uploads/?mount=${digest}&from=affexai/base`);
      assert.deepEqual([mounted.status, mounted.headers.get("location")], [201, `${base}/blobs/${digest}`]);
      assert.equal(await (await client("GET", `${base}/blobs/${digest}`)).text(), "shared");
      const absent = await client("POST", `${base}/blobs/uploads/?mount=${sha256("x")}&from=affexai/base`);
      assert.equal(absent.status, 202);
    });

    it("are refused when the content is not what the digest says, and nothing stays", async () => {
      const answer = await client("POST", `${base}/blobs/uploads/?digest=${sha256("announced")}`, "sent");
      assert.deepEqual([answer.status, await errorCode(answer)], [400, "DIGEST_INVALID"]);
      assert.deepEqual(await readdir(join(dir, "uploads")), []);
      assert.deepEqual(await readdir(join(dir, "blobs")), []);
    });
  });

  describe("uploads", () => {
    async function begin(): Promise<string> {
      const answer = await client("POST", `${base}/blobs/uploads/`);
      assert.equal(answer.status, 202);
      return answer.headers.get("location") ?? assert.fail("no location");
    }

    it("take chunks in order, tell how far they are, and end as a blob", async () => {
      const location = await begin();
      assert.match(location, /^\/v2\//, "relative, as ghcr.io answers");
      const first = await client("PATCH", location, "01234", { "content-range": "0-4" });
      assert.deepEqual([first.status, first.headers.get("range")], [202, "0-4"]);
      await client("PATCH", location, "567");
      const status = await client("GET", location);
      assert.deepEqual([status.status, status.headers.get("range")], [204, "0-7"]);
      const done = await client("PUT", `${location}?digest=${sha256("0123456789")}`, "89");
      assert.deepEqual([done.status, done.headers.get("docker-content-digest")], [201, sha256("0123456789")]);
      assert.equal((await client("GET", location)).status, 404);
    });

    it("refuse a chunk that does not begin where the last one ended", async () => {
      const location = await begin();
      await client("PATCH", location, "01234", { "content-range": "0-4" });
      for (const range of ["0-4", "9-12"]) {
        const answer = await client("PATCH", location, "xxxxx", { "content-range": range });
        assert.deepEqual([answer.status, answer.headers.get("range")], [416, "0-4"]);
      }
      assert.equal((await client("PUT", `${location}?digest=${sha256("01234")}`)).status, 201);
    });

    it("are given up by DELETE, and unknown ones are said to be", async () => {
      const location = await begin();
      assert.equal((await client("DELETE", location)).status, 204);
      for (const path of [location, `${base}/blobs/uploads/..%2f..%2fetc`]) {
        const answer = await client("PATCH", path, "x");
        assert.deepEqual([answer.status, await errorCode(answer)], [404, "BLOB_UPLOAD_UNKNOWN"]);
      }
    });
  });

  describe("manifests", () => {
    async function put(reference: string, manifest: string, type = manifestType): Promise<Response> {
      return await client("PUT", `${base}/manifests/${reference}`, manifest, { "content-type": type });
    }

    it("are found by tag and digest, byte for byte, with their type", async () => {
      const manifest = `${await makeManifest(client, repository, "r1")}\n`;
      const digest = sha256(manifest);
      const answer = await put("r1", manifest);
      assert.deepEqual([answer.status, answer.headers.get("location")], [201, `${base}/manifests/${digest}`]);
      for (const reference of ["r1", digest]) {
        const got = await client("GET", `${base}/manifests/${reference}`);
        assert.equal(got.headers.get("content-type"), manifestType);
        assert.equal(got.headers.get("docker-content-digest"), digest);
        assert.equal(await got.text(), manifest);
        assert.equal(
          (await client("HEAD", `${base}/manifests/${reference}`)).headers.get("docker-content-digest"),
          digest,
        );
      }
    });

    it("move a tag and keep what it named before", async () => {
      const [one, two] = [await makeManifest(client, repository, "1"), await makeManifest(client, repository, "2")];
      await put("latest", one);
      await put("latest", two);
      assert.equal(await (await client("GET", `${base}/manifests/latest`)).text(), two);
      assert.equal(await (await client("GET", `${base}/manifests/${sha256(one)}`)).text(), one);
    });

    it("are refused without their blobs, with another digest or type, or when they are none", async () => {
      const manifest = await makeManifest(client, repository, "r1");
      const config = { mediaType: "x", digest: sha256("missing"), size: 7 };
      const unknown = await put("r1", JSON.stringify({ schemaVersion: 2, config, layers: [] }));
      assert.deepEqual([unknown.status, await errorCode(unknown)], [404, "MANIFEST_BLOB_UNKNOWN"]);
      for (const [answer, code] of [
        [await put(sha256("other"), manifest), "DIGEST_INVALID"],
        [await put("r1", manifest, "application/json"), "MANIFEST_INVALID"],
        [await put("r1", manifest, "application/vnd.oci.image.index.v1+json"), "MANIFEST_INVALID"],
        [await put("r1", "{"), "MANIFEST_INVALID"],
        [await put("r1", "{}"), "MANIFEST_INVALID"],
        [await put("-r1", manifest), "TAG_INVALID"],
      ] as const) {
        assert.deepEqual([answer.status, await errorCode(answer)], [400, code]);
      }
      assert.equal((await put("r1", " ".repeat(4 * 1024 * 1024 + 1))).status, 413);
      const none = await client("GET", `${base}/manifests/r1`);
      assert.deepEqual([none.status, await errorCode(none)], [404, "MANIFEST_UNKNOWN"]);
    });

    it("are hidden from a client that does not accept their OCI type", async () => {
      await put("r1", await makeManifest(client, repository, "r1"));
      const accept = "application/vnd.docker.distribution.manifest.v2+json";
      const answer = await client("GET", `${base}/manifests/r1`, undefined, { accept });
      assert.equal(answer.status, 404);
      assert.match(await answer.text(), /OCI manifest found, but Accept header does not support OCI manifests/);
      const both = await client("GET", `${base}/manifests/r1`, undefined, { accept: `${accept}, ${manifestType}` });
      assert.equal(both.status, 200);
    });

    it("may be an index of manifests that are there", async () => {
      const manifest = await makeManifest(client, repository, "r1");
      const type = "application/vnd.oci.image.index.v1+json";
      const index = JSON.stringify({
        schemaVersion: 2,
        mediaType: type,
        manifests: [{ mediaType: manifestType, digest: sha256(manifest), size: manifest.length }],
      });
      assert.equal((await put("all", index, type)).status, 404);
      await put(sha256(manifest), manifest);
      assert.equal((await put("all", index, type)).status, 201);
    });

    it("are listed as referrers of their subject, by artifact type too", async () => {
      const manifest = await makeManifest(client, repository, "r1");
      await put("r1", manifest);
      const subject = { mediaType: manifestType, digest: sha256(manifest), size: manifest.length };
      const signature = await makeManifest(client, repository, "signed", { subject, artifactType: "text/signature" });
      assert.equal((await put(sha256(signature), signature)).headers.get("oci-subject"), subject.digest);
      const list = async (query: string) => {
        const answer = await client("GET", `${base}/referrers/${subject.digest}${query}`);
        return ((await answer.json()) as { manifests: { digest: string }[] }).manifests.map(({ digest }) => digest);
      };
      assert.deepEqual(await list(""), [sha256(signature)]);
      assert.deepEqual(await list("?artifactType=text/signature"), [sha256(signature)]);
      assert.deepEqual(await list("?artifactType=text/other"), []);
    });

    it("cannot be deleted, nor can tags and blobs: ghcr.io has that elsewhere", async () => {
      const manifest = await makeManifest(client, repository, "r1");
      await put("r1", manifest);
      for (const path of [`manifests/${sha256(manifest)}`, "manifests/r1", `blobs/${sha256("r1")}`]) {
        const answer = await client("DELETE", `${base}/${path}`);
        assert.deepEqual([answer.status, await errorCode(answer)], [405, "UNSUPPORTED"]);
      }
      assert.equal((await client("GET", `${base}/manifests/r1`)).status, 200);
    });
  });

  describe("listings", () => {
    it("page through tags and repositories in order", async () => {
      for (const name of ["b/two", "a/one", "a"]) {
        const manifest = await makeManifest(client, name, "x");
        for (const tag of ["r2", "r1", "r3"]) {
          await client("PUT", `/v2/${name}/manifests/${tag}`, manifest, { "content-type": manifestType });
        }
      }
      const get = async (path: string) => {
        const answer = await client("GET", path);
        return [(await answer.json()) as object, answer.headers.get("link")];
      };
      assert.deepEqual(await get("/v2/_catalog"), [{ repositories: ["a", "a/one", "b/two"] }, null]);
      assert.deepEqual(await get("/v2/a/tags/list?n=2"), [
        { name: "a", tags: ["r1", "r2"] },
        '</v2/a/tags/list?n=2&last=r2>; rel="next"',
      ]);
      assert.deepEqual(await get("/v2/a/tags/list?n=2&last=r2"), [{ name: "a", tags: ["r3"] }, null]);
      assert.deepEqual(await errorCode(await client("GET", "/v2/none/tags/list")), "NAME_UNKNOWN");
      assert.deepEqual(await errorCode(await client("GET", "/v2/a/tags/list?n=x")), "PAGINATION_NUMBER_INVALID");
    });
  });

  it("refuses names that are none, and paths that lead elsewhere", async () => {
    for (const name of ["Affexai/app", "a//b", "a/_tags", "a/..%2f..%2fb", `${"a".repeat(256)}`]) {
      const answer = await client("GET", `/v2/${name}/tags/list`);
      assert.ok([400, 404].includes(answer.status), `${name}: ${answer.status}`);
    }
    assert.equal(await errorCode(await client("GET", "/v2/Affexai/app/tags/list")), "NAME_INVALID");
    assert.equal((await client("GET", "/elsewhere")).status, 404);
  });

  it("keeps everything over a restart", async () => {
    const manifest = await makeManifest(client, repository, "r1");
    await client("PUT", `${base}/manifests/r1`, manifest, { "content-type": manifestType });
    await registry.close();
    registry = await startRegistry({ host: "127.0.0.1", port: 0, dir, ...credentials });
    client = clientOf(registry);
    assert.equal(await (await client("GET", `${base}/manifests/r1`)).text(), manifest);
    assert.equal(await (await client("GET", `${base}/blobs/${sha256("r1")}`)).text(), "r1");
  });

  describe("faults", () => {
    async function fault(value: unknown): Promise<number> {
      return (await fetch(`${registry.url}/_sandbox/faults`, { method: "POST", body: JSON.stringify(value) })).status;
    }

    it("answer with a status so many times, by path and method, and are taken back", async () => {
      const { digest } = await putBlob(client, repository, "x");
      const get = async () => {
        const answer = await client("GET", `${base}/blobs/${digest}`);
        return [answer.status, answer.headers.get("retry-after")];
      };
      assert.equal(await fault({ path: "/blobs/", method: "GET", status: 429, retryAfterSeconds: 7, times: 2 }), 200);
      assert.equal((await client("HEAD", `${base}/blobs/${digest}`)).status, 200);
      assert.deepEqual(
        [await get(), await get(), await get()],
        [
          [429, "7"],
          [429, "7"],
          [200, null],
        ],
      );
      await fault({ path: "/blobs/", status: 500, times: 5 });
      await fetch(`${registry.url}/_sandbox/faults`, { method: "DELETE" });
      assert.deepEqual(await get(), [200, null]);
    });

    it("break the connection at a byte, and change one", async () => {
      const { digest } = await putBlob(client, repository, "0123456789");
      await fault([{ path: digest, dropAfterBytes: 4 }]);
      const broken = await client("GET", `${base}/blobs/${digest}`);
      await assert.rejects(broken.text());
      await fault([{ path: digest, corruptByte: 3 }]);
      const bytes = await (await client("GET", `${base}/blobs/${digest}`)).bytes();
      assert.deepEqual([...bytes].map((byte, index) => byte === 48 + index).indexOf(false), 3);
    });

    it("are refused when they are none", async () => {
      assert.equal(await fault({ path: "/", statuses: 500 }), 400);
    });
  });

  it("takes Basic authentication as well", async () => {
    assert.equal((await fetch(`${registry.url}/v2/`, { headers: { authorization: basicHeader } })).status, 200);
  });
});
