import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { startLoadProcess } from "../../../sandbox/load/load-process.ts";
import { startLoad } from "../../../sandbox/load/load.ts";

describe("a constant-rate load", () => {
  let server: Server;
  let connections: Set<Socket>;

  /** Starts a server that answers as told; the load's options for it. */
  async function serve(listener: RequestListener) {
    connections = new Set();
    server = createServer(listener);
    server.on("connection", (socket) => connections.add(socket));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    return { url: `http://127.0.0.1:${port}`, requestsPerSecond: 200, connections: 4, paths: ["/"] };
  }

  afterEach(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  });

  /** A promise that is resolved when a server has got so many requests. */
  function counter(count: number) {
    let seen = 0;
    const { promise, resolve } = Promise.withResolvers<void>();
    return {
      reached: promise,
      next: () => {
        seen += 1;
        if (seen === count) resolve();
        return seen;
      },
    };
  }

  it("keeps its rate and its connections, and loses nothing on a good server", async () => {
    const seen = counter(120);
    const options = await serve((_request, response) => {
      seen.next();
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ release: "r1" }));
    });
    const load = startLoad(options);
    await seen.reached;
    const report = await load.stop();
    assert.equal(report.failed, 0);
    assert.ok(report.sent >= 120);
    assert.deepEqual(report.byRelease, { r1: report.sent });
    assert.deepEqual(report.byStatus, { 200: report.sent });
    const rate = (report.sent - 1) / (report.durationMs / 1000);
    // Never above; below only by what a busy machine holds the last tick up.
    assert.ok(rate > 150 && rate <= 201, `the rate was ${rate}`);
    assert.ok(report.connectionsOpened >= 4, "all connections are used");
    assert.ok(report.connectionsOpened < report.sent, "connections are used again");
    assert.ok(report.latencyMs !== null && report.latencyMs.p50 <= report.latencyMs.max);
  });

  it("counts 5xx and 404 as failed, and 404 by itself too", async () => {
    const seen = counter(100);
    const options = await serve((_request, response) => {
      const number = seen.next();
      response.statusCode = number % 10 === 0 ? 503 : number % 10 === 5 ? 404 : number % 10 === 7 ? 403 : 200;
      response.end();
    });
    const load = startLoad(options);
    await seen.reached;
    const report = await load.stop();
    assert.equal(report.byReason["status 503"], report.byStatus[503]);
    assert.equal(report.byReason["status 404"], report.notFound);
    assert.ok(report.notFound >= 10);
    assert.equal(report.failed, (report.byStatus[503] ?? 0) + report.notFound);
    assert.equal(report.failures.length, report.failed);
  });

  it("counts dropped connections once each and never sends again", async () => {
    const seen = counter(60);
    let requests = 0;
    const options = await serve((request, response) => {
      requests += 1;
      if (seen.next() % 3 === 0) request.socket.destroy();
      else response.end();
    });
    const load = startLoad(options);
    await seen.reached;
    const report = await load.stop();
    assert.equal(report.sent, requests);
    assert.equal(report.failed, Math.floor(requests / 3));
    assert.deepEqual(Object.keys(report.byReason), ["ECONNRESET"]);
  });

  it("counts an answer that breaks off as failed", async () => {
    const seen = counter(20);
    const options = await serve((_request, response) => {
      seen.next();
      response.writeHead(200, { "content-length": 10 });
      response.write("half", () => response.destroy());
    });
    const load = startLoad(options);
    await seen.reached;
    const report = await load.stop();
    assert.equal(report.failed, report.sent);
    assert.deepEqual(Object.keys(report.byReason), ["aborted"]);
    assert.equal(report.latencyMs, null);
  });

  it("goes on at its rate while a server hangs, and fails what is not answered in time", async () => {
    const seen = counter(80);
    const options = await serve(() => void seen.next());
    const load = startLoad({ ...options, timeoutMs: 200 });
    await seen.reached;
    const report = await load.stop();
    assert.deepEqual(report.byReason, { timeout: report.sent });
    assert.ok(report.longestGapMs >= 390, `the gap was ${report.longestGapMs} ms`);
    assert.ok(report.connectionsOpened > 40, "a hanging request holds up no other");
  });

  it("opens a new connection, without a failure, when a server says that it closes", async () => {
    const seen = counter(60);
    const options = await serve((_request, response) => {
      seen.next();
      response.setHeader("connection", "close");
      response.end();
    });
    const load = startLoad(options);
    await seen.reached;
    const report = await load.stop();
    assert.equal(report.failed, 0);
    assert.equal(report.connectionsOpened, report.sent);
  });

  it("sees a server that closes kept-alive connections and stops listening", async () => {
    const seen = counter(40);
    const options = await serve((_request, response) => {
      seen.next();
      response.end();
    });
    const load = startLoad(options);
    await seen.reached;
    const { port } = server.address() as AddressInfo;
    server.close();
    for (const socket of connections) socket.destroy();
    await once(server, "close");
    const down = performance.now();
    const again = counter(20);
    server = createServer((_request, response) => {
      again.next();
      response.end();
    });
    server.listen(port, "127.0.0.1");
    await again.reached;
    const report = await load.stop();
    assert.ok(report.longestGapMs < performance.now() - down + 100);
    const reasons = Object.keys(report.byReason).filter(
      (reason) => reason !== "ECONNREFUSED" && reason !== "ECONNRESET",
    );
    assert.deepEqual(reasons, []);
  });

  it("finds names under localhost and sends the Host header it is told to", async () => {
    const seen = counter(5);
    const hosts = new Set<string | undefined>();
    const options = await serve((request, response) => {
      hosts.add(request.headers.host);
      seen.next();
      response.end();
    });
    const url = options.url.replace("127.0.0.1", "api.affexai.localhost");
    const load = startLoad({ ...options, url, host: "api.example.org" });
    await seen.reached;
    assert.equal((await load.stop()).failed, 0);
    assert.deepEqual([...hosts], ["api.example.org"]);
  });

  it("runs in a process of its own and reports as one line of JSON", async () => {
    const seen = counter(50);
    const options = await serve((_request, response) => {
      seen.next();
      response.end();
    });
    const load = await startLoadProcess(options);
    await seen.reached;
    const report = await load.stop();
    assert.ok(report.sent >= 50);
    assert.equal(report.failed, 0);
  });

  it("refuses options that it cannot use, in its own process too", async () => {
    const options = await serve((_request, response) => void response.end());
    assert.throws(() => startLoad({ ...options, paths: [] }), { kind: "usage" });
    await assert.rejects(startLoadProcess({ ...options, requestsPerSecond: 0 }), /requestsPerSecond/);
  });
});
