import { request, type ClientRequest, type IncomingMessage } from "node:http";
import { createInterface } from "node:readline";
import type { z } from "zod";
import { EventStreamOptions, type EventStreamReport } from "./event-stream-spec.ts";
import { lookup } from "./lookup.ts";
import { loadOptions } from "./options.ts";

export interface EventStreams {
  /** Leaves them, and says what was seen. */
  stop(): EventStreamReport;
}

/** What a client waits before it comes again, until the server names another time (HTML, 9.2.1: "a few seconds"). */
const firstRetryMs = 3000;

/**
 * Holds streams of server-sent events open as EventSource does (HTML, 9.2): a stream that ends, or breaks, is asked for again after the
 * server's own `retry`, with the id of the last event. Node's EventSource tells an end from a break to nobody.
 */
export function startEventStreams(input: EventStreamOptions): EventStreams {
  const options = loadOptions("event streams", EventStreamOptions, input);
  const report: EventStreamReport = { opened: 0, lost: 0, byReason: {}, movedOn: 0, events: 0 };
  const clients = Array.from({ length: options.streams }, () => holdOpen(options, report));
  return {
    stop() {
      for (const client of clients) client.close();
      return report;
    },
  };
}

function holdOpen(options: z.output<typeof EventStreamOptions>, report: EventStreamReport): { close(): void } {
  let sent: ClientRequest;
  let closing = false;
  let retryMs = firstRetryMs;
  let lastId: string | undefined;
  let again: NodeJS.Timeout | undefined;

  /** Once for each request: what it came to, and the next one. */
  function end(reason: string | null): void {
    if (closing) return;
    if (reason === null) report.movedOn += 1;
    else {
      report.lost += 1;
      report.byReason[reason] = (report.byReason[reason] ?? 0) + 1;
    }
    again = setTimeout(open, retryMs);
  }

  function open(): void {
    const headers = { accept: "text/event-stream", ...(lastId !== undefined && { "last-event-id": lastId }) };
    sent = request(options.url, { agent: false, headers, lookup });
    void outcomeOf(sent, options.timeoutMs, (answer) => {
      report.opened += 1;
      let data = false;
      const lines = createInterface({ input: answer });
      // It hands on what the answer is judged by.
      lines.on("error", () => undefined);
      lines.on("line", (line) => {
        const [, field = "", value = ""] = /^([^:]*):? ?(.*)$/.exec(line) ?? [];
        if (field === "id") lastId = value;
        if (field === "retry" && /^\d+$/.test(value)) retryMs = Number(value);
        if (field === "data") data = true;
        if (line !== "" || !data) return;
        report.events += 1;
        data = false;
      });
    }).then(end);
    sent.end();
  }

  open();
  return {
    close() {
      closing = true;
      clearTimeout(again);
      sent.destroy();
    },
  };
}

/** Null for a stream that ended in full, else how it was lost. Never rejects: a loss is a result here. */
async function outcomeOf(
  sent: ClientRequest,
  timeoutMs: number,
  opened: (answer: IncomingMessage) => void,
): Promise<string | null> {
  return await new Promise((resolve) => {
    const settle = (outcome: string | null) => {
      resolve(outcome);
      sent.destroy();
    };
    sent.setTimeout(timeoutMs, () => settle("silent"));
    sent.on("error", (error: NodeJS.ErrnoException) => settle(`not opened (${error.code ?? error.message})`));
    sent.on("response", (answer) => {
      const type = answer.headers["content-type"] ?? "";
      answer.on("error", () => settle("broke off"));
      if (answer.statusCode !== 200) return settle(`not opened (status ${answer.statusCode ?? 0})`);
      if (!/^text\/event-stream\b/.test(type)) return settle(`not opened (${type === "" ? "no content type" : type})`);
      answer.on("end", () => settle(null));
      opened(answer);
    });
  });
}
