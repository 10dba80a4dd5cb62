import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Progress } from "../../operations/progress.ts";
import { type Registry, startRegistry } from "../../sandbox/registry/server.ts";
import { buildFolder } from "../../sandbox/workload/build.ts";
import { publishReleases, type PublishedRelease } from "../../sandbox/workload/publish.ts";
import { buildLimitMs } from "./releases.ts";

const auth = { username: "affexai", password: "registry-password" };

interface Manifest {
  config: { digest: string };
  layers: { digest: string; size: number }[];
}
interface Config {
  config: { Cmd: string[]; WorkingDir: string; User: string; Labels: Record<string, string> };
}

describe("the images of the workload's releases", () => {
  let base = "";
  let registry: Registry;
  let published: PublishedRelease[];
  const steps: string[] = [];
  const progress: Progress = {
    step(title, work) {
      steps.push(title);
      return work(progress);
    },
    note: () => undefined,
  };
  const { signal } = new AbortController();
  const publish = () =>
    publishReleases({ releases: [1, 2, 3], dir: buildFolder, progress, signal, registry: registry.host, auth });

  const read = async <T>(application: "backend" | "frontend", path: string): Promise<T> => {
    const response = await fetch(`${registry.url}/v2/affexai/${application}/${path}`, {
      headers: {
        authorization: `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString("base64")}`,
        accept: "application/vnd.oci.image.manifest.v1+json",
      },
    });
    assert.equal(response.status, 200, path);
    return (await response.json()) as T;
  };
  const manifestOf = (release: number, application: "backend" | "frontend") =>
    read<Manifest>(application, `manifests/${published[release - 1]?.images[application].digest ?? ""}`);

  before(async function () {
    this.timeout(buildLimitMs);
    base = await mkdtemp(join(tmpdir(), "affexai-publish-"));
    registry = await startRegistry({ host: "127.0.0.1", port: 0, dir: base, ...auth });
    published = await publish();
  });
  after(async () => {
    await registry.close();
    await rm(base, { recursive: true });
  });

  it("are in the registry, by digest and by the release's name", async () => {
    assert.deepEqual(
      published.map(({ id }) => id),
      ["release-1", "release-2", "release-3"],
    );
    for (const { id, images } of published) {
      assert.equal(images.backend.reference, `${registry.host}/affexai/backend@${images.backend.digest}`);
      assert.deepEqual(
        await read("backend", `manifests/${id}`),
        await read("backend", `manifests/${images.backend.digest}`),
      );
    }
    assert.equal(new Set(published.flatMap(({ images }) => [images.backend.digest, images.frontend.digest])).size, 6);
  });

  it("say in their labels which release they are, and start as an ordinary user", async () => {
    const { config } = await manifestOf(2, "backend");
    const { config: settings } = await read<Config>("backend", `blobs/${config.digest}`);
    assert.partialDeepStrictEqual(settings.Labels, {
      "org.opencontainers.image.version": "release-2",
      "org.opencontainers.image.revision": published[1]?.gitSha,
    });
    assert.partialDeepStrictEqual(settings, { Cmd: ["node", "dist/main.js"], WorkingDir: "/app", User: "node" });
  });

  it("share what the releases share: dependencies in both, the whole build in the frontend", async () => {
    const [backends, frontends] = await Promise.all([
      Promise.all([1, 2, 3].map((release) => manifestOf(release, "backend"))),
      Promise.all([1, 2, 3].map((release) => manifestOf(release, "frontend"))),
    ]);
    assert.equal(new Set(backends.map(({ layers }) => layers[0]?.digest)).size, 1);
    assert.equal(new Set(backends.map(({ layers }) => layers[1]?.digest)).size, 3);
    for (const index of [0, 1]) assert.equal(new Set(frontends.map(({ layers }) => layers[index]?.digest)).size, 1);
  });

  it("are small", async () => {
    for (const application of ["backend", "frontend"] as const) {
      const { layers } = await manifestOf(1, application);
      assert.ok(layers.reduce((sum, { size }) => sum + size, 0) < 15 * 1024 * 1024, application);
    }
  });

  it("are neither built nor pushed a second time, and keep their digests", async () => {
    steps.length = 0;
    const started = performance.now();
    assert.deepEqual(await publish(), published);
    assert.deepEqual(steps, []);
    assert.ok(performance.now() - started < 5_000);
  });

  it("are pushed again, with equal digests, to a registry that lost them", async () => {
    const other = await startRegistry({ host: "127.0.0.1", port: 0, dir: join(base, "other"), ...auth });
    const options = { releases: [1], dir: buildFolder, progress, signal, auth };
    const [again] = await publishReleases({ ...options, registry: other.host });
    await other.close();
    assert.equal(again?.images.backend.digest, published[0]?.images.backend.digest);
  });
});
