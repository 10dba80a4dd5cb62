import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";

/** Server-sent events as they come, without the coming again that EventSource does. */
export interface EventStream {
  /** Everything that was sent so far. */
  text(): string;
  /** `end` when the server ended the answer properly, `cut` when the connection broke in the middle of it. */
  readonly ended: Promise<"end" | "cut">;
  close(): void;
}

export async function openEventStream(
  url: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<EventStream> {
  const request = get(url, { headers, agent: false });
  const [response] = (await once(request, "response")) as [IncomingMessage];
  let text = "";
  response.setEncoding("utf8").on("data", (part: string) => (text += part));
  const ended = new Promise<"end" | "cut">((resolve) => {
    response.once("close", () => resolve(response.complete ? "end" : "cut"));
    response.once("error", () => resolve("cut"));
  });
  return { text: () => text, ended, close: () => request.destroy() };
}
