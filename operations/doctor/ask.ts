import { Agent, request } from "node:http";

/** What came of one GET: an answer, or why there was none. */
export type Asked =
  | {
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
      readonly body: string;
      readonly ms: number;
    }
  | { readonly error: string };

/** GET over a connection of its own that the server may keep. Never rejects: no answer is a finding. */
export async function ask(url: string, timeoutMs = 5_000): Promise<Asked> {
  const agent = new Agent({ keepAlive: true });
  const started = performance.now();
  try {
    return await new Promise<Asked>((resolve) => {
      const sent = request(url, { agent, signal: AbortSignal.timeout(timeoutMs) }, (response) => {
        let body = "";
        response.setEncoding("utf8").on("data", (part: string) => (body += part));
        response.on("error", ({ message }) => resolve({ error: `broken off: ${message}` }));
        response.on("end", () => {
          const headers = Object.fromEntries(
            Object.entries(response.headers).map(([name, value]) => [name, String(value)]),
          );
          resolve({ status: response.statusCode ?? 0, headers, body, ms: performance.now() - started });
        });
      });
      sent.on("error", (error: NodeJS.ErrnoException) => {
        resolve({
          error: error.name === "TimeoutError" ? `no answer within ${timeoutMs} ms` : (error.code ?? error.message),
        });
      });
      sent.end();
    });
  } finally {
    agent.destroy();
  }
}

export function statusOf(asked: Asked): string {
  return "error" in asked ? asked.error : `${asked.status}`;
}
