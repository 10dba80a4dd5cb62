import assert from "node:assert/strict";
import { once } from "node:events";
import { cp, readFile, writeFile } from "node:fs/promises";
import { Agent, createServer, get, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type Docker from "dockerode";
import { assetLabels } from "../../operations/coolify/asset-labels.ts";
import { traefikLabels, type Routing } from "../../operations/coolify/labels.ts";
import { silent } from "../../operations/progress.ts";
import { type Proxy, startProxy } from "../../sandbox/proxy/server.ts";
import { buildFolder, type BuiltRelease, buildReleases } from "../../sandbox/workload/build.ts";
import { openEngine, until, type TestEngine } from "../sandbox/containers/fixture.ts";
import { healthy } from "../sandbox/proxy/fixture.ts";
import { buildLimitMs } from "./releases.ts";

const routing: Routing = {
  environment: "production",
  name: "frontend",
  hosts: ["affexai.test"],
  tls: false,
  port: 3000,
  healthPath: "/health",
};

interface Build {
  readonly release: BuiltRelease;
  readonly id: string;
}

describe("the files of two builds of the workload's frontend while one replaces the other", () => {
  let engine: TestEngine;
  let proxy: Proxy;
  let backend: Server;
  let older: Build;
  let newer: Build;

  const build = async (number: number): Promise<Build> => {
    const { signal } = new AbortController();
    const [release] = await buildReleases({ releases: [number], dir: buildFolder, progress: silent, signal });
    assert.ok(release);
    const id = await readFile(join(release.applications.frontend.files, "apps/frontend/.next/BUILD_ID"), "utf8");
    return { release, id };
  };

  /** An image with the release's frontend; of `previous`, the files that its pages ask for too. */
  const addImage = async ({ release, id }: Build, previous?: Build): Promise<void> => {
    const root = join(engine.dir, "roots", id);
    await cp(release.applications.frontend.files, join(root, "app"), { recursive: true });
    await writeFile(join(root, "app/release.json"), JSON.stringify({ id: release.id, gitSha: release.gitSha }));
    const files = "apps/frontend/.next/static";
    if (previous !== undefined) {
      const from = join(previous.release.applications.frontend.files, files);
      await cp(from, join(root, "app", files), { recursive: true, force: false });
    }
    await engine.server.images.add({
      id: `sha256:${id.padEnd(64, "0")}`,
      tags: [`frontend:${id}`],
      digests: [],
      created: new Date().toISOString(),
      architecture: "amd64",
      os: "linux",
      config: { Cmd: ["node", "apps/frontend/server/start.ts"], WorkingDir: "/app" },
      size: 0,
      root,
      native: null,
    });
  };

  const start = async ({ release, id }: Build): Promise<Docker.Container> => {
    const assets = { pathPrefix: "/_next/static/", query: "dpl", id };
    const labels = [
      ...traefikLabels(routing, { id: `1-${id.slice(0, 12)}`, priority: 1000 }),
      ...assetLabels({ ...routing, hosts: [...routing.hosts], assets }),
    ];
    const container = await engine.docker.createContainer({
      name: release.id,
      Image: `frontend:${id}`,
      Env: [
        "PORT=3000",
        `BACKEND_URL=http://backend.sandbox.localhost:${(backend.address() as AddressInfo).port}`,
        "PUBLIC_API_URL=https://api.affexai.test",
        "DRAIN_READY_SECONDS=3",
        "DRAIN_SECONDS=3",
      ],
      Labels: Object.fromEntries(
        labels.map((label): [string, string] => {
          const cut = label.indexOf("=");
          return [label.slice(0, cut), label.slice(cut + 1)];
        }),
      ),
      HostConfig: { NetworkMode: "coolify" },
      Healthcheck: {
        Test: [
          "CMD-SHELL",
          "curl -s -f http://127.0.0.1:3000/health > /dev/null || wget -q -O- http://127.0.0.1:3000/health > /dev/null || exit 1",
        ],
        Interval: 5e8,
        Timeout: 5e9,
        Retries: 2,
      },
    });
    await container.start();
    await healthy(container);
    return container;
  };

  const ask = async (
    path: string,
    agent?: Agent,
  ): Promise<{ status: number; text: string; headers: IncomingMessage["headers"] }> => {
    const request = get(new URL(path, proxy.url), { agent, headers: { host: "affexai.test" } });
    const [response] = (await once(request, "response")) as [IncomingMessage];
    let text = "";
    for await (const part of response.setEncoding("utf8")) text += String(part);
    return { status: response.statusCode ?? 0, text, headers: response.headers };
  };
  const filesOf = (html: string): string[] =>
    [...html.matchAll(/(?:src|href)="(\/_next\/static\/[^"]+)"/g)].map(([, file]) => file ?? "");

  before(async function () {
    this.timeout(2 * buildLimitMs);
    older = await build(2);
    newer = await build(6);
    backend = createServer((_request, response) =>
      response
        .writeHead(200, { "content-type": "application/json" })
        .end(JSON.stringify({ slug: "home", title: "Home", metadata: {}, components: [] })),
    ).listen(0, "127.0.0.1");
    await once(backend, "listening");
    engine = await openEngine();
    await engine.docker.createNetwork({ Name: "coolify" });
    await addImage(older);
    await addImage(newer, older);
    const docker = { host: engine.server.host, port: engine.server.port };
    proxy = await startProxy({ host: "127.0.0.1", port: 0, docker, log: () => undefined });
  });
  after(async () => {
    await proxy.close();
    await engine.remove();
    backend.close();
  });

  it("are all there for every page, whichever release it came from; without the build's id some are not", async () => {
    const old = await start(older);
    await until("a page", async () => (await ask("/")).status === 200);
    const builds = new Set<string>();
    const failures: string[] = [];
    let [asked, missing, stopping] = [0, 0, false];
    /** Loads a page and, after a pause as a slow connection makes one, every file that it names. */
    const browse = async (pauseMs: number): Promise<void> => {
      const agent = new Agent({ keepAlive: true });
      while (!stopping) {
        const page = await ask("/", agent);
        if (page.status !== 200) failures.push(`/ ${page.status}`);
        await pause(pauseMs);
        for (const file of filesOf(page.text)) {
          const { status } = await ask(file, agent);
          asked += 1;
          builds.add(new URL(file, proxy.url).searchParams.get("dpl") ?? "none");
          if (status !== 200) failures.push(`${file} ${status}`);
          if ((await ask(file.replace(/\?.*/, ""), agent)).status === 404) missing += 1;
        }
      }
      agent.destroy();
    };
    const browsers = [0, 20, 200, 1_000].map(browse);
    await start(newer);
    await old.stop({ t: 20 });
    await until("the new build alone", async () => {
      const { text } = await ask("/");
      return filesOf(text).length > 0 && filesOf(text).every((file) => file.endsWith(newer.id));
    });
    stopping = true;
    await Promise.all(browsers);
    console.log(
      `      ${asked} files asked for, ${failures.length} failed; without the build's id ${missing} were missing`,
    );
    assert.deepEqual(failures, []);
    assert.deepEqual([...builds].sort(), [older.id, newer.id].sort());
    assert.ok(missing > 0, "the two builds have the same files, so nothing was tried");
  });

  it("are still served to a page that was opened before, by an image that carries those of the build before it", async () => {
    const html = join(older.release.applications.frontend.files, "apps/frontend/.next/server/app/_not-found.html");
    const files = filesOf(await readFile(html, "utf8"));
    assert.ok(files.length > 0);
    for (const file of files) {
      assert.ok(file.endsWith(`?dpl=${older.id}`), file);
      assert.equal((await ask(file)).status, 200, file);
    }
  });

  it("make an open page load anew when it goes to another one: it hears of another build than its own", async () => {
    const request = get(new URL("/", proxy.url), { headers: { host: "affexai.test", rsc: "1" } });
    const [response] = (await once(request, "response")) as [IncomingMessage];
    response.resume();
    assert.equal(response.headers["x-nextjs-deployment-id"], newer.id);
  });
});
