import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { startSocketsProcess } from "../../../sandbox/load/load-process.ts";
import { startSockets } from "../../../sandbox/load/sockets.ts";

describe("WebSockets that are held open", () => {
  let server: Server;
  let open: Set<Socket>;
  /** What the server does with the text of a client: an answer, or none. */
  let answer: (connection: Socket) => void;

  beforeEach(async () => {
    open = new Set();
    answer = (connection) => connection.write(frame(1, Buffer.from("yes")));
    server = createServer((_request, response) => response.writeHead(404).end());
    server.on("upgrade", (request, socket: Socket) => {
      open.add(socket);
      socket.on("error", () => undefined).on("close", () => open.delete(socket));
      // RFC 6455, 1.3 and 5.2.
      const accept = createHash("sha1").update(
        `${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`,
      );
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept.digest("base64")}\r\n\r\n`,
      );
      socket.on("data", (bytes: Buffer) => {
        // Masked frames with short payloads, as many as came together.
        for (let at = 0; at < bytes.length; at += 6 + ((bytes[at + 1] ?? 0) & 127)) {
          const opcode = (bytes[at] ?? 0) & 15;
          if (opcode === 1) answer(socket);
          if (opcode === 8) socket.end(frame(8, Buffer.alloc(0)));
        }
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
  });

  afterEach(async () => {
    for (const socket of open) socket.destroy();
    server.close();
    await once(server, "close");
  });

  function options() {
    const { port } = server.address() as AddressInfo;
    return {
      url: `ws://sockets.localhost:${port}/chat`,
      sockets: 2,
      message: "hello",
      intervalMs: 20,
      timeoutMs: 1000,
    };
  }

  function frame(opcode: number, payload: Buffer): Buffer {
    return Buffer.concat([Buffer.from([0x80 | opcode, payload.length]), payload]);
  }

  function close(connection: Socket, code: number): void {
    connection.end(frame(8, Buffer.from([code >> 8, code & 255])));
  }

  /** Does something with one of the clients' first messages, answers all others, and waits for so many more. */
  async function withOne(act: (connection: Socket) => void, more = 20) {
    const { promise, resolve } = Promise.withResolvers<void>();
    let seen = 0;
    answer = (connection) => {
      seen += 1;
      if (seen === 5) return act(connection);
      connection.write(frame(1, Buffer.from("yes")));
      if (seen === 5 + more) resolve();
    };
    const sockets = startSockets(options());
    await promise;
    return sockets.stop();
  }

  it("loses nothing while every message is answered, in a process of their own", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    let seen = 0;
    answer = (connection) => {
      connection.write(frame(1, Buffer.from("yes")));
      seen += 1;
      if (seen === 20) resolve();
    };
    const sockets = await startSocketsProcess(options());
    await promise;
    const { sent, answered, ...rest } = await sockets.stop();
    assert.deepEqual(rest, { opened: 2, lost: 0, byReason: {}, movedOn: 0 });
    assert.ok(sent >= 20 && sent - answered <= 2, `${sent} were sent and ${answered} answered`);
  });

  it("moves on when it is sent away with 1012 or 1001, and sends what was on its way again", async () => {
    for (const code of [1012, 1001]) {
      const { opened, lost, movedOn } = await withOne((connection) => close(connection, code));
      assert.deepEqual({ opened, lost, movedOn }, { opened: 3, lost: 0, movedOn: 1 });
    }
  });

  it("counts another code, a connection that breaks, and a message without an answer as lost", async () => {
    const other = await withOne((connection) => close(connection, 1011));
    assert.deepEqual(other.byReason, { "closed with 1011": 1 });
    const broken = await withOne((connection) => connection.destroy());
    assert.deepEqual(broken.byReason, { "closed with 1006": 1 });
    const silent = await withOne(() => undefined, 80);
    assert.deepEqual({ lost: silent.lost, byReason: silent.byReason }, { lost: 1, byReason: { "no answer": 1 } });
  });

  it("counts a socket that is sent away and cannot come back at once as lost", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    let refused = 0;
    answer = (connection) => {
      server.removeAllListeners("upgrade");
      server.on("upgrade", (_request, socket: Socket) => {
        socket.on("error", () => undefined);
        socket.end("HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
        refused += 1;
        // By the second try the first one has been counted.
        if (refused === 2) resolve();
      });
      close(connection, 1012);
    };
    const sockets = startSockets({ ...options(), sockets: 1 });
    await promise;
    const report = await sockets.stop();
    assert.deepEqual(report.byReason, { "not opened (1006)": 1 });
  });

  it("refuses options that make no sense, all at once", () => {
    assert.throws(
      () => startSockets({ url: "http://x", message: "", sockets: 0 }),
      /url[\s\S]*sockets|sockets[\s\S]*url/,
    );
  });
});
