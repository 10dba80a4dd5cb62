import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";

const address = "127.77.250.9";
const other = "127.77.250.10";
const preload = new URL("../../../sandbox/containers/network.mjs", import.meta.url).href;

describe("network preload", () => {
  let dir: string;
  let hostsFile: string;

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "network-"));
    hostsFile = join(dir, "hosts.json");
    const hosts = {
      networks: { coolify: { backend: [other], database: [address] }, apart: { secret: [other] } },
      containers: { one: { networks: ["coolify"], hosts: { "host.docker.internal": "127.0.0.1", own: address } } },
    };
    await writeFile(hostsFile, JSON.stringify(hosts));
  });
  after(() => rm(dir, { recursive: true, force: true }));

  const container = () => ({ AFFEXAI_CONTAINER_ADDRESS: address, AFFEXAI_CONTAINER_ID: "one" });

  /** Runs a module with the preload; `answer(value)` in it is what this returns. */
  async function run(code: string, env: Record<string, string> = container()): Promise<unknown> {
    const { stdout } = await execa(process.execPath, ["--input-type=module", "-"], {
      input: `const answer = (value) => { console.log(JSON.stringify(value)); process.exit(0); };\n${code}`,
      env: { NODE_OPTIONS: `--import=${preload}`, AFFEXAI_SANDBOX_HOSTS: hostsFile, ...env },
      timeout: 20_000,
    });
    return JSON.parse(stdout) as unknown;
  }

  const listens: Readonly<Record<string, string>> = {
    "listen(port)": "server.listen(0)",
    "listen()": "server.listen()",
    "listen(callback)": "server.listen(() => {})",
    "listen(port, callback)": "server.listen(0, () => {})",
    "listen(port, undefined, callback)": "server.listen(0, undefined, () => {})",
    "listen(port, backlog)": "server.listen(0, 511)",
    "listen of a numeric string": "server.listen('0')",
    "listen on 0.0.0.0": "server.listen(0, '0.0.0.0')",
    "listen on ::": "server.listen(0, '::', 511, () => {})",
    "listen on localhost": "server.listen(0, 'localhost')",
    "listen({ port })": "server.listen({ port: 0 })",
    "listen({ port, host })": "server.listen({ port: 0, host: '::', ipv6Only: false })",
    "listen on its own name": "server.listen(0, 'own')",
  };
  for (const [name, call] of Object.entries(listens)) {
    it(`${name} takes the container's address`, async () => {
      const seen = await run(`
        import { createServer } from "node:http";
        const server = createServer();
        server.once("listening", () => answer(server.address().address));
        ${call};`);
      assert.equal(seen, address);
    });
  }

  it("leaves a Unix socket and an address of the container's own alone", async () => {
    const seen = await run(`
      import { createServer } from "node:net";
      const unix = createServer().listen(${JSON.stringify(join(dir, "socket"))}, () => {
        const own = createServer().listen(0, "${other}", () => answer([unix.address(), own.address().address]));
      });`);
    assert.deepEqual(seen, [join(dir, "socket"), other]);
  });

  it("takes every way of connecting to localhost to the container's address", async () => {
    const seen = await run(`
      import { createServer, get } from "node:http";
      import net from "node:net";
      const server = createServer((request, response) => response.end(request.socket.localAddress));
      await new Promise((resolve) => server.listen(0, resolve));
      const { port } = server.address();
      const byHttp = (options) => new Promise((resolve, reject) =>
        get(options, (response) => response.setEncoding("utf8").once("data", resolve)).once("error", reject));
      const bySocket = (...args) => new Promise((resolve, reject) => {
        const socket = net.connect(...args, () => { resolve(socket.remoteAddress); socket.destroy(); });
        socket.once("error", reject);
      });
      answer(await Promise.all([
        byHttp("http://localhost:" + port), byHttp("http://127.0.0.1:" + port), byHttp({ port }), byHttp({ host: "::1", port }),
        fetch("http://localhost:" + port).then((r) => r.text()), fetch("http://127.0.0.1:" + port).then((r) => r.text()),
        bySocket(port), bySocket(port, "localhost"), bySocket(port, "127.0.0.1"), bySocket({ port }), bySocket({ port, host: "localhost", family: 4 }),
        bySocket({ port, host: "0.0.0.0" }), bySocket(port, "own"), bySocket(port, "database"),
      ]));`);
    assert.deepEqual(
      seen,
      Array.from({ length: 14 }, () => address),
    );
  });

  it("upgrades a connection to a WebSocket on localhost", async () => {
    const seen = await run(`
      import { createServer } from "node:http";
      import { createHash } from "node:crypto";
      const server = createServer().on("upgrade", (request, socket) => {
        const key = createHash("sha1").update(request.headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest("base64");
        socket.write("HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\nSec-WebSocket-Accept: " + key + "\\r\\n\\r\\n");
        socket.write(Buffer.from([0x81, 2, 0x68, 0x69]));
      });
      server.listen(0, () => {
        new WebSocket("ws://localhost:" + server.address().port).onmessage = ({ data }) => answer(data);
      });`);
    assert.equal(seen, "hi");
  });

  it("resolves in every form the names of the container's networks only", async () => {
    const seen = await run(`
      import dns, { lookup } from "node:dns";
      import { lookup as promised } from "node:dns/promises";
      import { promisify } from "node:util";
      const code = (promise) => promise.then(() => "found", (error) => error.code);
      answer({
        callback: await new Promise((resolve) => lookup("backend", (error, found, family) => resolve([error, found, family]))),
        all: await new Promise((resolve) => dns.lookup("backend", { all: true }, (error, found) => resolve(found))),
        promised: await promised("BACKEND."), promisified: await promisify(lookup)("backend"),
        six: await code(promised("backend", { family: 6 })),
        secret: await code(promised("secret.invalid")), other: await code(promised("secret")),
        sandbox: (await promised("s3.sandbox.localhost")).address, bucket: (await promised("media.s3.sandbox.localhost")).address,
        gateway: (await promised("host.docker.internal")).address, literal: (await promised("10.1.2.3")).address,
      });`);
    assert.deepEqual(seen, {
      callback: [null, other, 4],
      all: [{ address: other, family: 4 }],
      promised: { address: other, family: 4 },
      promisified: { address: other, family: 4 },
      six: "ENOTFOUND",
      secret: "ENOTFOUND",
      other: "ENOTFOUND",
      sandbox: "127.0.0.1",
      bucket: "127.0.0.1",
      gateway: "127.0.0.1",
      literal: "10.1.2.3",
    });
  });

  it("reads the hosts file anew when it was replaced", async () => {
    const seen = await run(`
      import { promises } from "node:dns";
      import { readFileSync, renameSync, writeFileSync } from "node:fs";
      const file = process.env.AFFEXAI_SANDBOX_HOSTS;
      const first = (await promises.lookup("backend")).address;
      const hosts = JSON.parse(readFileSync(file, "utf8"));
      hosts.networks.coolify.backend = ["${address}"];
      writeFileSync(file + ".new", JSON.stringify(hosts));
      renameSync(file, file + ".old");
      renameSync(file + ".new", file);
      const second = (await promises.lookup("backend")).address;
      renameSync(file + ".old", file);
      answer([first, second]);`);
    assert.deepEqual(seen, [other, address]);
  });

  it("only resolves names outside a container: the VPN", async () => {
    const seen = await run(
      `
      import { createServer } from "node:net";
      import { promises } from "node:dns";
      const server = createServer().listen(0, "127.0.0.1", async () => answer({
        listens: server.address().address, backend: (await promises.lookup("backend")).address, secret: (await promises.lookup("secret")).address,
        localhost: (await promises.lookup("localhost", 4)).address, registry: (await promises.lookup("registry.sandbox.localhost")).address,
      }));`,
      {},
    );
    assert.deepEqual(seen, {
      listens: "127.0.0.1",
      backend: other,
      secret: other,
      localhost: "127.0.0.1",
      registry: "127.0.0.1",
    });
  });
});
