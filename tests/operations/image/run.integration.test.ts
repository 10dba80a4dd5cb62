import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { ImageAccess } from "../../../operations/image/access.ts";
import { removeRun } from "../../../operations/image/remove-run.ts";
import { runInImage, type ImageRun } from "../../../operations/image/run.ts";
import { buildImage } from "../../../sandbox/images/build.ts";
import { pushImage } from "../../../sandbox/images/push.ts";
import { startRegistry, type Registry } from "../../../sandbox/registry/server.ts";

const credentials = { username: "robot", password: "registry-secret" };
const script = `
  const library = require("./library.js");
  console.log(JSON.stringify({ library, args: process.argv.slice(2), spec: process.env.SPEC, image: process.env.OF_IMAGE, token: process.env.COOLIFY_TOKEN }));
  console.error("a warning");
`;

describe("a run in an image", () => {
  let dir: string;
  let registry: Registry;
  let image: string;
  let access: ImageAccess;

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "image-run-"));
    registry = await startRegistry({ host: "127.0.0.1", port: 0, dir: join(dir, "registry"), ...credentials });
    await writeFile(join(dir, "library.js"), `module.exports = "of the image";\n`);
    const dockerfile = join(dir, "Dockerfile");
    await writeFile(dockerfile, "FROM node:24-alpine\nENV OF_IMAGE=yes\nWORKDIR /srv/app\nCOPY library.js ./\n");
    const built = await buildImage({ context: dir, dockerfile, cacheDir: join(dir, "layers") });
    const target = { registry: registry.host, repository: "affexai/backend", tags: ["r1"], auth: credentials };
    image = (await pushImage(built, target)).reference;
    access = { credentials, cacheDir: join(dir, "cache") };
  });

  after(async () => {
    await registry.close();
    await rm(dir, { recursive: true, force: true });
  });

  function options(more: Partial<ImageRun> = {}): ImageRun {
    return {
      runId: "test-1",
      image,
      runtime: "unpacked",
      nodePath: "node",
      argv: ["-", "one", "two words"],
      input: script,
      env: { SPEC: '{"a":1}' },
      timeoutMs: 20_000,
      access,
      onLine: () => undefined,
      ...more,
    };
  }

  it("runs a script from stdin in the working directory, without this process's secrets", async () => {
    const lines: string[] = [];
    process.env.COOLIFY_TOKEN = "not for the application";
    try {
      await runInImage(options({ onLine: (line, from) => lines.push(`${from}: ${line}`) }));
    } finally {
      delete process.env.COOLIFY_TOKEN;
    }
    const expected = { library: "of the image", args: ["one", "two words"], spec: '{"a":1}', image: "yes" };
    assert.deepEqual(lines.sort(), ["stderr: a warning", `stdout: ${JSON.stringify(expected)}`]);
  });

  it("fails with the exit code and what was written to stderr, not with the arguments", async () => {
    const input = `console.error("the table is locked"); process.exit(3);`;
    await assert.rejects(runInImage(options({ input, argv: ["-", "argument"] })), (error: Error) => {
      assert.match(
        error.message,
        /run test-1 in 127\.0\.0\.1:\d+\/affexai\/backend@sha256:\S+: ended with exit code 3/,
      );
      assert.match(error.message, /the table is locked/);
      assert.doesNotMatch(error.message, /argument/);
      return true;
    });
  });

  it("ends the process when the time is over, when it is cancelled, and when a line is refused", async () => {
    const input = `console.log("ready"); setInterval(() => {}, 1000);`;
    await assert.rejects(runInImage(options({ input, timeoutMs: 600 })), /did not end within 0.6 s and was stopped/);
    const controller = new AbortController();
    const cancelled = options({
      input,
      access: { ...access, signal: controller.signal },
      onLine: () => controller.abort(),
    });
    await assert.rejects(runInImage(cancelled), /was stopped because the run was cancelled/);
    const refusing = options({
      input,
      onLine: () => {
        throw new Error("not a line of the protocol");
      },
    });
    await assert.rejects(runInImage(refusing), /not a line of the protocol/);
    assert.equal(await removeRun("test-1", "unpacked"), 0);
  });

  it("refuses a run id that could be read as something else", async () => {
    for (const runId of ["", "-rm", "a b", "a/b"]) {
      await assert.rejects(runInImage(options({ runId })), /is not a name for a run/);
    }
  });

  it("is ended by another process after a kill -9 of the one that started it", async () => {
    const input = `
      process.on("SIGTERM", () => {});
      const server = require("node:net").createServer();
      server.listen(0, "127.0.0.1", () => console.log("listening " + server.address().port));
    `;
    const module = new URL("../../../operations/image/run.ts", import.meta.url).href;
    const starter = spawn(process.execPath, ["--input-type=module", "-"], { stdio: ["pipe", "pipe", "inherit"] });
    starter.stdin.end(`
      import { runInImage } from ${JSON.stringify(module)};
      const options = ${JSON.stringify(options({ runId: "killed-1", input }))};
      await runInImage({ ...options, onLine: (line) => console.log(line) });
    `);
    const [line] = (await once(createInterface({ input: starter.stdout }), "line")) as [string];
    const port = Number(line.split(" ")[1]);
    starter.kill("SIGKILL");
    await once(starter, "exit");
    await canConnect(port);
    assert.equal(await removeRun("killed-1", "unpacked"), 1);
    await assert.rejects(canConnect(port), { code: "ECONNREFUSED" });
    assert.equal(await removeRun("killed-1", "unpacked"), 0);
  });
});

async function canConnect(port: number): Promise<void> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  socket.destroy();
}
