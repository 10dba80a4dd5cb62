import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type RequestListener, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { startEventStreams } from "../../../sandbox/load/event-streams.ts";
import { startEventStreamsProcess } from "../../../sandbox/load/load-process.ts";

describe("streams of server-sent events that are held open", () => {
  let server: Server;

  /** Starts a server that answers as told; the options of a stream from it. */
  async function serve(listener: RequestListener) {
    server = createServer(listener);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    return { url: `http://updates.localhost:${port}/stream`, streams: 1, timeoutMs: 300 };
  }

  afterEach(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  });

  /** Opens a stream, whose client comes again after 10 ms. */
  function open(response: ServerResponse): ServerResponse {
    response.writeHead(200, { "content-type": "text/event-stream" }).write("retry: 10\n\n");
    return response;
  }

  /** Treats the first request in one way, and holds the second one's stream open; what the client reports then. */
  async function afterFirst(treat: (response: ServerResponse) => void) {
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    let seen = 0;
    const options = await serve((request, response) => {
      seen += 1;
      if (seen === 1) return treat(response);
      open(response);
      resolve(request.headers["last-event-id"]?.toString());
    });
    const streams = startEventStreams(options);
    const lastId = await promise;
    return { lastId, ...streams.stop() };
  }

  it("move on when they are ended, and come again with the id of the last event", async () => {
    const { lastId, lost, movedOn, events } = await afterFirst((response) =>
      open(response).end("id: 7-0\nevent: page\ndata: {}\n\n:\n\n"),
    );
    assert.deepEqual({ lastId, lost, movedOn, events }, { lastId: "7-0", lost: 0, movedOn: 1, events: 1 });
  });

  it("are lost when they break off, and come again as well", async () => {
    const { lost, movedOn, byReason } = await afterFirst((response) =>
      open(response).write("data: {}\n\n", () => response.destroy()),
    );
    assert.deepEqual({ lost, movedOn, byReason }, { lost: 1, movedOn: 0, byReason: { "broke off": 1 } });
  });

  it("are lost when the server is silent, also without a comment", async () => {
    const { byReason } = await afterFirst((response) => void open(response));
    assert.deepEqual(byReason, { silent: 1 });
  });

  it("are lost when they are answered with another status or something else", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    let seen = 0;
    const options = await serve((_request, response) => {
      seen += 1;
      if (seen === 1) return open(response).end();
      if (seen === 2) return response.writeHead(502).end();
      if (seen === 3) return response.writeHead(200, { "content-type": "text/html" }).end();
      resolve();
    });
    const streams = startEventStreams(options);
    await promise;
    const { opened, byReason } = streams.stop();
    const lost = { "not opened (status 502)": 1, "not opened (text/html)": 1 };
    assert.deepEqual({ opened, byReason }, { opened: 1, byReason: lost });
  });

  it("lose nothing on a good server, in a process of their own", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    let seen = 0;
    const options = await serve((_request, response) => {
      seen += 1;
      open(response).write(":\n\n");
      if (seen === 4) resolve();
      if (seen <= 2) response.end();
    });
    const streams = await startEventStreamsProcess({ ...options, streams: 2 });
    await promise;
    const { lost, movedOn } = await streams.stop();
    assert.deepEqual({ lost, movedOn }, { lost: 0, movedOn: 2 });
  });

  it("refuse options that make no sense, all at once", async () => {
    await serve(() => undefined);
    assert.throws(() => startEventStreams({ url: "ws://x", streams: 0 }), /url[\s\S]*streams|streams[\s\S]*url/);
  });
});
