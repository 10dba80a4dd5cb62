import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { join } from "node:path";
import type { Answer } from "./answer.ts";
import type { Service } from "./call.ts";
import { controlPath, handleControl } from "./control.ts";
import { dispatch, type Exchange } from "./dispatch.ts";
import { StorageError } from "./error.ts";
import { ConnectionDropped, disturbed, Faults } from "./faults.ts";
import { Accounts } from "./iam/accounts.ts";
import { Storage } from "./store/storage.ts";
import { xmlDocument } from "./xml.ts";

export interface ObjectStorageOptions {
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  /** Where everything is kept; made when it is not there. One server at a time may use it. */
  readonly dir: string;
  /** The account's root key: it may do all that no bucket's policy denies. */
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /**
   * What the condition key `aws:SecureTransport` says. True unless told otherwise: in the sandbox the network of the platform is
   * the loopback, where nothing encrypts, and a bucket policy that denies insecure transport would otherwise shut everybody out.
   */
  readonly secureTransport?: boolean;
}

export interface ObjectStorage {
  /** `http://127.0.0.1:7302`, for `AWS_ENDPOINT_URL`. IAM and STS answer there too. */
  readonly url: string;
  close(): Promise<void>;
}

/** Starts the stand-in for S3, and for the parts of IAM and STS that it needs. Throws what listening throws, such as EADDRINUSE. */
export async function startObjectStorage(options: ObjectStorageOptions): Promise<ObjectStorage> {
  const service: Service = {
    storage: await Storage.open(options.dir),
    accounts: await Accounts.open(join(options.dir, "accounts.json"), options.accessKeyId, options.secretAccessKey),
    secureTransport: options.secureTransport ?? true,
  };
  const faults = new Faults();
  const handle = (request: IncomingMessage, response: ServerResponse, expectsContinue: boolean) => {
    serve(request, response, expectsContinue, service, faults).catch((error: unknown) => {
      process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
      response.destroy();
    });
  };
  const server = createServer({ keepAliveTimeout: 30_000, requestTimeout: 0, highWaterMark: 256 * 1024 });
  server.on("request", (request, response) => handle(request, response, false));
  server.on("checkContinue", (request: IncomingMessage, response: ServerResponse) => handle(request, response, true));
  await listen(server, options);
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The object storage has no port.");
  const host = options.host.includes(":") ? `[${options.host}]` : options.host;
  return {
    url: `http://${host}:${address.port}`,
    close: async () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      server.close(() => resolve());
      server.closeAllConnections();
      await promise;
    },
  };
}

async function listen(server: Server, { host, port }: ObjectStorageOptions): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.listen(port, host, resolve);
  await promise;
  server.off("error", reject);
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  expectsContinue: boolean,
  service: Service,
  faults: Faults,
): Promise<void> {
  const requestId = randomBytes(8).toString("hex").toUpperCase();
  let proceeded = !expectsContinue;
  const exchange: Exchange = {
    requestId,
    proceed: () => {
      if (!proceeded) response.writeContinue();
      proceeded = true;
    },
    drop: async () => {
      const closed = request.socket.destroyed ? undefined : once(request.socket, "close");
      request.socket.destroySoon();
      await closed;
    },
    fault: undefined,
  };
  let answer: Answer;
  try {
    answer = request.url?.startsWith(controlPath)
      ? await handleControl(request, faults)
      : await dispatch(request, exchange, service, faults);
  } catch (error) {
    if (error instanceof ConnectionDropped || response.destroyed || request.socket.destroyed) return;
    answer = errorAnswer(error, request.url ?? "/", requestId);
  }
  // Bytes that nobody read would be taken for the next request.
  if (!request.complete) response.setHeader("connection", "close");
  await send(request, response, answer, exchange);
}

function errorAnswer(error: unknown, resource: string, requestId: string): Answer {
  const known = error instanceof StorageError ? error : new StorageError("InternalError");
  if (!(error instanceof StorageError)) {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  }
  const { elements = {}, headers = {} } = known.detail;
  const document = {
    Code: known.code,
    Message: known.message,
    ...elements,
    Resource: resource.split("?", 1)[0],
    RequestId: requestId,
    HostId: Buffer.from(requestId).toString("base64"),
  };
  return {
    status: known.status,
    headers: { "content-type": "application/xml", ...headers },
    ...(known.status === 304 ? {} : { body: xmlDocument("Error", document) }),
  };
}

async function send(
  request: IncomingMessage,
  response: ServerResponse,
  answer: Answer,
  exchange: Exchange,
): Promise<void> {
  const { body = "" } = answer;
  response.statusCode = answer.status;
  response.setHeader("x-amz-request-id", exchange.requestId);
  response.setHeader("x-amz-id-2", Buffer.from(exchange.requestId).toString("base64"));
  response.setHeader("server", "affexai-sandbox-s3");
  for (const [name, value] of Object.entries(answer.headers ?? {})) {
    if (value !== undefined) response.setHeader(name, headerText(value));
  }
  const hasNoBody = answer.status === 204 || answer.status === 304;
  if (!hasNoBody)
    response.setHeader("content-length", typeof body === "string" ? Buffer.byteLength(body) : body.length);
  const bodyless = hasNoBody || request.method === "HEAD";
  if (bodyless && exchange.fault?.kind === "drop" && exchange.fault.direction === "response") return exchange.drop();
  if (bodyless) return void response.end();
  const pieces = typeof body === "string" ? single(Buffer.from(body)) : body.pieces();
  try {
    await write(response, disturbed(pieces, exchange.fault, "response", exchange.drop));
  } catch (error) {
    // The status is sent: a broken connection is all that can still tell the client.
    response.destroy();
    if (error instanceof ConnectionDropped || request.socket.destroyed) return;
    throw error;
  }
}

/** Writes pieces as fast as the client takes them. A client that goes away ends it without an error: nobody is left to be told. */
async function write(response: ServerResponse, pieces: AsyncIterable<Buffer>): Promise<void> {
  for await (const piece of pieces) {
    if (response.destroyed) return;
    if (response.write(piece)) continue;
    const { promise, resolve } = Promise.withResolvers<void>();
    response.once("drain", resolve).once("close", resolve);
    await promise;
    response.off("drain", resolve).off("close", resolve);
  }
  response.end();
}

async function* single(piece: Buffer): AsyncGenerator<Buffer, void, undefined> {
  if (piece.length > 0) yield piece;
}

/** Header values are Latin-1: what a client sent as UTF-8 bytes goes back as the same bytes. */
function headerText(value: string): string {
  return [...value].some((character) => character.charCodeAt(0) > 0xff) ? Buffer.from(value).toString("latin1") : value;
}
