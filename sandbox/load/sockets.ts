import type { z } from "zod";
import "../containers/network.mjs";
import { loadOptions } from "./options.ts";
import { SocketOptions, type SocketReport } from "./socket-spec.ts";

export interface Sockets {
  /** Closes them, and says what was seen. */
  stop(): Promise<SocketReport>;
}

/** The codes with which a server sends its clients elsewhere. */
const movingOn = new Set([1001, 1012]);

/** Until a lost socket is opened again: its loss is counted already, and the next one is another loss. */
const reopenAfterMs = 1000;

/**
 * Holds WebSockets open and sends a message on each at a constant rate. A socket that is sent away is opened again at once, and what was
 * on its way is sent again there: that is what clients of such a server do.
 */
export function startSockets(input: SocketOptions): Sockets {
  const options = loadOptions("sockets", SocketOptions, input);
  const report: SocketReport = { opened: 0, lost: 0, byReason: {}, movedOn: 0, sent: 0, answered: 0 };
  const clients = Array.from({ length: options.sockets }, () => holdOpen(options, report));
  return {
    async stop() {
      await Promise.all(clients.map((client) => client.close()));
      return report;
    },
  };
}

function holdOpen(options: z.output<typeof SocketOptions>, report: SocketReport): { close(): Promise<void> } {
  let socket: WebSocket;
  let closing = false;
  let unansweredSince: number | undefined;
  let reopening: NodeJS.Timeout | undefined;
  const closed = Promise.withResolvers<void>();

  function lose(reason: string): void {
    report.lost += 1;
    report.byReason[reason] = (report.byReason[reason] ?? 0) + 1;
  }

  function open(): void {
    socket = new WebSocket(options.url);
    let opened = false;
    const late = setTimeout(() => socket.close(), options.timeoutMs);
    socket.addEventListener("open", () => {
      opened = true;
      clearTimeout(late);
      report.opened += 1;
      if (unansweredSince !== undefined) send();
    });
    socket.addEventListener("message", () => {
      if (unansweredSince !== undefined) report.answered += 1;
      unansweredSince = undefined;
    });
    socket.addEventListener("close", ({ code }) => {
      clearTimeout(late);
      if (closing) return closed.resolve();
      if (opened && movingOn.has(code)) {
        report.movedOn += 1;
        return open();
      }
      lose(opened ? `closed with ${code}` : `not opened (${code})`);
      unansweredSince = undefined;
      reopening = setTimeout(open, reopenAfterMs);
    });
  }

  function send(): void {
    unansweredSince ??= performance.now();
    socket.send(options.message);
  }

  const beat = setInterval(() => {
    if (unansweredSince === undefined) {
      if (socket.readyState !== WebSocket.OPEN) return;
      report.sent += 1;
      return send();
    }
    if (performance.now() - unansweredSince < options.timeoutMs) return;
    lose("no answer");
    unansweredSince = undefined;
  }, options.intervalMs);
  open();

  return {
    async close() {
      closing = true;
      clearInterval(beat);
      clearTimeout(reopening);
      if (socket.readyState === WebSocket.CLOSED) closed.resolve();
      else socket.close();
      const limit = setTimeout(closed.resolve, options.timeoutMs);
      await closed.promise;
      clearTimeout(limit);
    },
  };
}
