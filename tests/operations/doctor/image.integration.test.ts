import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { OperationError } from "../../../operations/error.ts";
import { dockerListArguments } from "../../../operations/image/docker-arguments.ts";
import { removeRun } from "../../../operations/image/remove-run.ts";
import { lookAtApplication, type ApplicationOptions } from "../../../operations/people/doctor-application.ts";
import { silent } from "../../../operations/progress.ts";
import { freePort } from "../../../sandbox/processes/free-port.ts";
import { startRegistry, type Registry } from "../../../sandbox/registry/server.ts";
import { until } from "../../sandbox/coolify/fixture.ts";
import { pushNodeImage } from "../image/node-image.ts";
import { docker, realEngine, type RealEngine } from "../image/real-engine.ts";
import { exampleSource } from "./example-application.ts";

const auth = { username: "robot", password: "registry-secret" };

for (const imageRuntime of ["unpacked", "docker"] as const) {
  describe(`what an application owes, looked for in an image (${imageRuntime})`, function () {
    this.timeout(120_000);
    let dir: string;
    let registry: Registry | undefined;
    let engine: RealEngine | undefined;
    let image: string | undefined;
    let port: number;
    let options: ApplicationOptions;

    before(async function () {
      this.timeout(300_000);
      dir = await mkdtemp(join(tmpdir(), "doctor-image-"));
      if (imageRuntime === "docker") {
        const found = await realEngine(join(dir, "engine"));
        if (typeof found === "string") {
          console.log(`    skipped: ${found}`);
          return this.skip();
        }
        engine = found;
      }
      registry = await startRegistry({ host: "127.0.0.1", port: 0, dir: join(dir, "registry"), ...auth });
      const files = { "main.mjs": exampleSource };
      image = await pushNodeImage(files, { dir, registry: registry.host, auth, entrypoint: ["main.mjs"] });
    });
    beforeEach(async () => {
      port = await freePort("127.0.0.1");
      options = {
        ...{ application: `http://127.0.0.1:${port}`, image: image ?? "", imageRuntime, metrics: true },
        ...{ livePath: "/health", readyPath: "/health/ready", versionPath: "/version", metricsPath: "/metrics" },
        ...{ startedPath: "/health/started", slowPath: "/slow", graceSeconds: 15, startSeconds: 30 },
      };
    });
    after(async () => {
      if (engine !== undefined && image !== undefined) await docker("image", "rm", "--force", image);
      await registry?.close();
      await engine?.close();
      await rm(dir, { recursive: true, force: true });
    });

    const env = () => ({
      ...{ PATH: process.env["PATH"], DOCKER_HOST: process.env["DOCKER_HOST"], AFFEXAI_CACHE_DIR: join(dir, "cache") },
      ...{ REGISTRY_USERNAME: auth.username, REGISTRY_PASSWORD: auth.password },
    });
    const look = async (changes: Partial<ApplicationOptions> = {}, variables: string[] = []) => {
      const file = join(dir, "variables");
      await writeFile(file, variables.join("\n"));
      const context = { env: env(), progress: silent, signal: new AbortController().signal };
      return lookAtApplication({ ...options, variables: file, ...changes }, context);
    };
    const runId = () => `doctor-127.0.0.1-${port}`;
    /** Ends what is left and counts it. */
    const left = () => removeRun(runId(), imageRuntime);

    it("is all found in one that does it, which is pulled, started at the address, and ended", async () => {
      const checks = await look();
      assert.deepEqual(
        checks.filter(({ state }) => state !== "ok"),
        [],
      );
      assert.match(checks.find(({ what }) => what === "exit")?.seen ?? "", /^0 after \d/);
      assert.equal(await left(), 0);
    });

    it("is missed in one whose variables make it lack something, with the exit code that its container had", async () => {
      const checks = await look({}, ["FLAW=exit"]);
      assert.deepEqual(
        checks
          .filter(({ state }) => state !== "ok")
          .map(({ what, seen }) => `${what}: ${seen.replace(/\d+\.\d/, "x")}`),
        ["exit: 1 after x s"],
      );
    });

    it("leaves nothing of one that outlives its grace period", async () => {
      const checks = await look({ graceSeconds: 4 });
      assert.equal(checks.at(-1)?.seen, "still runs after 4 s, and was killed");
      assert.equal(await left(), 0);
    });

    it("is refused for one that ends before it is ready, or never gets ready, and nothing of it is left", async () => {
      await assert.rejects(
        look({ startSeconds: 20 }, ["NODE_OPTIONS=--require=/nowhere.js"]),
        (error) => error instanceof OperationError && /the process ended \(1\) before it was ready/.test(error.message),
      );
      await assert.rejects(look({ readyPath: "/nowhere", startSeconds: 2 }), /last seen: .*404/);
      assert.equal(await left(), 0);
    });

    it("is looked for in the one that is given, also after a look that was killed with -9", async () => {
      const module = new URL("../../../operations/people/doctor-application.ts", import.meta.url).href;
      const killed = spawn(process.execPath, ["--input-type=module", "-"], {
        stdio: ["pipe", "ignore", "inherit"],
        env: { ...process.env, ...env() },
      });
      killed.stdin.end(`
        import { lookAtApplication } from ${JSON.stringify(module)};
        const progress = { step: (_, work) => work(progress), note: () => undefined };
        const context = { env: process.env, progress, signal: new AbortController().signal };
        await lookAtApplication(${JSON.stringify({ ...options, readyPath: "/nowhere" })}, context);
      `);
      await until("it serves", async () =>
        fetch(`${options.application}/version`).then(
          ({ ok }) => ok,
          () => false,
        ),
      );
      killed.kill("SIGKILL");
      if (imageRuntime === "docker") assert.notEqual(await docker(...dockerListArguments(runId())), "");
      const checks = await look({}, ["FLAW=version"]);
      assert.deepEqual(
        checks.filter(({ state }) => state === "problem").map(({ what, seen }) => `${what}: ${seen}`),
        ["version: /version: gitSha"],
      );
      assert.equal(await left(), 0);
    });
  });
}
