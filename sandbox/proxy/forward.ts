import { request as send, type Agent, type ClientRequest, type IncomingMessage } from "node:http";
import { once } from "node:events";
import { pipeline } from "node:stream/promises";
import { answerText, headerOf, withHeader, type Exchange, type Outcome, type ResponseHead } from "./exchange.ts";
import { withoutHopByHop } from "./request-headers.ts";

/** A server that requests are sent to. */
export interface Backend {
  readonly host: string;
  readonly port: number;
  /** Send on the client's Host header rather than the server's own. */
  readonly passHostHeader: boolean;
}

const dialMs = 30_000;
const replayable = new Set(["GET", "HEAD", "OPTIONS", "TRACE"]);

/**
 * Sends a request on and its answer back, both as they come. Failures are those of Traefik (pkg/proxy/httputil): 502 when the server refuses or breaks the
 * connection, 504 when it cannot be reached within 30 s, a broken connection for an answer that broke off.
 */
export async function forward(exchange: Exchange, backend: Backend, agent: Agent): Promise<Outcome> {
  for (;;) {
    const outcome = await attempt(exchange, backend, agent);
    // Go repeats at once, on another connection, what an idle connection was closed under, if it is safe to (net/http, Transport shouldRetryRequest).
    if (outcome !== "stale") return outcome;
  }
}

async function attempt(exchange: Exchange, backend: Backend, agent: Agent): Promise<Outcome | "stale"> {
  const { request, response } = exchange;
  const hasBody =
    request.headers["transfer-encoding"] !== undefined || Number(request.headers["content-length"] ?? 0) > 0;
  const { host, port } = backend;
  const headers = backend.passHostHeader ? exchange.headers : withHeader(exchange.headers, "Host", `${host}:${port}`);
  const sent = send({ host, port, method: request.method, path: exchange.target, headers, agent, setHost: false });
  const state = { connected: false };
  const leave = () => void sent.destroy();
  response?.once("close", leave);
  try {
    const answer = await answerOf(exchange, sent, state, hasBody);
    return await passOn(exchange, answer);
  } catch (error) {
    if (exchange.response?.headersSent === true) {
      exchange.response.destroy();
      return "answered";
    }
    if (exchange.socket.destroyed) return "answered";
    if (!state.connected && exchange.mayRetry) return "unsent";
    if (sent.reusedSocket && !hasBody && replayable.has(request.method ?? "") && isBroken(error)) return "stale";
    return answerFailure(exchange, error);
  } finally {
    response?.off("close", leave);
  }
}

/** Resolves with the head of the answer. The body is sent once there is a connection, so that an unreachable server does not use it up. */
async function answerOf(
  exchange: Exchange,
  sent: ClientRequest,
  state: { connected: boolean },
  hasBody: boolean,
): Promise<IncomingMessage> {
  const { request } = exchange;
  const connected = () => {
    state.connected = true;
    // A body that breaks off breaks the request, which is where it is noticed.
    if (hasBody) void pipeline(request, sent).catch(() => undefined);
  };
  sent.once("socket", (socket) => {
    if (!socket.connecting) return connected();
    const late = setTimeout(
      () => sent.destroy(Object.assign(new Error("dial timeout"), { code: "ETIMEDOUT" })),
      dialMs,
    );
    socket.once("connect", connected);
    for (const event of ["connect", "close"]) socket.once(event, () => clearTimeout(late));
  });
  if (!hasBody) sent.end();
  const [answer] = (await once(sent, "response")) as [IncomingMessage];
  // A server may answer before it has read everything, and nobody needs the rest then.
  sent.on("error", () => undefined);
  return answer;
}

async function passOn(exchange: Exchange, answer: IncomingMessage): Promise<Outcome> {
  const { response } = exchange;
  if (response === null) throw new Error("An answer without a response.");
  const head: ResponseHead = {
    status: answer.statusCode ?? 502,
    message: answer.statusMessage ?? "",
    headers: withoutHopByHop(answer.rawHeaders, () => false),
  };
  for (const change of exchange.onHead) change(head);
  const transforms = exchange.onBody.map((transform) => transform(head)).filter((transform) => transform !== undefined);
  response.writeHead(head.status, head.message, head.headers);
  // A stream of events has to show its head before its first event.
  if (headerOf(head.headers, "content-length") === undefined) response.flushHeaders();
  await pipeline([answer, ...transforms, response]);
  return "answered";
}

function answerFailure(exchange: Exchange, error: unknown): Outcome {
  const code = codeOf(error);
  if (code === "ETIMEDOUT") return answerText(exchange, 504, "Gateway Timeout");
  if (code.startsWith("HPE_")) return answerText(exchange, 500, "Internal Server Error");
  return answerText(exchange, 502, "Bad Gateway");
}

/** The connection ended without an answer. */
function isBroken(error: unknown): boolean {
  return ["ECONNRESET", "EPIPE", "ECONNABORTED"].includes(codeOf(error));
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}
