import type { IncomingMessage } from "node:http";
import { authorize } from "./access/authorize.ts";
import { readAddress, type Address } from "./address.ts";
import type { Answer } from "./answer.ts";
import { sha256 } from "./auth/canonical.ts";
import { verifySignature, type Verified } from "./auth/signature.ts";
import { corsHeaders, preflight } from "./bucket/cors.ts";
import type { Call, Service } from "./call.ts";
import { StorageError } from "./error.ts";
import { ConnectionDropped, disturbed, type FaultAction, type Faults } from "./faults.ts";
import { anonymous, type Principal } from "./iam/principal.ts";
import { answerQuery, isQueryRequest } from "./iam/query.ts";
import { Payload } from "./payload.ts";
import { findRoute, type Route } from "./routes.ts";

/** What the server does for one request besides deciding. */
export interface Exchange {
  readonly requestId: string;
  /** Tells the client to send the body that it announced; harmless when it did not ask. */
  readonly proceed: () => void;
  /** Cuts the connection, behind what was written so far. */
  readonly drop: () => Promise<void>;
  /** Set as soon as it is known, for the way of the answer. */
  fault: FaultAction | undefined;
}

const maximumQueryBytes = 1024 * 1024;

/** Carries out one request: address, fault, signature, permission, operation. Throws StorageError for what S3 refuses. */
export async function dispatch(
  request: IncomingMessage,
  exchange: Exchange,
  service: Service,
  faults: Faults,
): Promise<Answer> {
  const headers = headersOf(request);
  const address = readAddress(request.url ?? "/", headers.get("host") ?? "");
  const method = request.method ?? "GET";
  const settings =
    address.bucket !== undefined && service.storage.has(address.bucket)
      ? service.storage.bucket(address.bucket).settings
      : undefined;
  if (method === "OPTIONS") return preflight(headers, settings);
  if (isQueryRequest(method, address, headers)) {
    exchange.proceed();
    const body = await readAll(request);
    const verified = verify(service, method, address, headers, sha256(body));
    return answerQuery(service, verified, body.toString("utf8"), exchange.requestId);
  }
  const query = new Map(address.query);
  const route = findRoute(method, levelOf(address), query, headers);
  exchange.fault = faults.meet({
    operation: route.operation,
    bucket: address.bucket,
    key: address.key,
    partNumber: query.has("partNumber") ? Number(query.get("partNumber")) : undefined,
  });
  await playFault(exchange, headers);
  const verified = verify(service, method, address, headers, undefined);
  if (verified !== null && verified.scope.service !== "s3") {
    throw new StorageError(
      "AuthorizationHeaderMalformed",
      `The authorization header is malformed; incorrect service "${verified.scope.service}". This endpoint belongs to "s3".`,
    );
  }
  if (verified?.presigned === true) hoistQuery(address, headers);
  const source = () => {
    exchange.proceed();
    return disturbed(request, exchange.fault, "request", exchange.drop);
  };
  const call: Call = {
    ...service,
    address,
    method,
    query,
    headers,
    principal: verified?.identity ?? anonymous,
    verified,
    payload: new Payload(headers, source, verified),
    sourceIp: (request.socket.remoteAddress ?? "").replace(/^::ffff:/, ""),
    requestId: exchange.requestId,
    now: new Date(),
  };
  checkPermission(call, route);
  const answer = await route.handle(call);
  return { ...answer, headers: { ...answer.headers, ...corsHeaders(headers, method, settings) } };
}

async function playFault({ fault, drop }: Exchange, headers: ReadonlyMap<string, string>): Promise<void> {
  if (fault?.kind === "status") throw new PlayedError(fault.status, fault.code, fault.message);
  const hasBody = headers.has("transfer-encoding") || Number(headers.get("content-length") ?? 0) > 0;
  if (fault?.kind !== "drop" || fault.direction !== "request" || hasBody) return;
  await drop();
  throw new ConnectionDropped("A planned fault cut the connection.");
}

/** An error that a fault asked for; any status and code. */
class PlayedError extends StorageError {
  override readonly status: number;
  override readonly code: string;

  constructor(status: number, code: string, message: string) {
    super("InternalError", message);
    this.status = status;
    this.code = code;
  }
}

/**
 * The `x-amz-` parameters of a presigned URL count as the headers of their name; checksums among them do not: the SDK for
 * JavaScript signs that of an empty body, and S3 ignores it (aws/aws-sdk-go-v2#2610, localstack/localstack#12169).
 */
function hoistQuery(address: Address, headers: Map<string, string>): void {
  const notHeaders =
    /^x-amz-(algorithm|credential|date|expires|signedheaders|signature|content-sha256|checksum-.*|sdk-.*)$/;
  for (const [parameter, value] of address.query) {
    const name = parameter.toLowerCase();
    if (name.startsWith("x-amz-") && !notHeaders.test(name) && !headers.has(name)) headers.set(name, value);
  }
}

function verify(
  service: Service,
  method: string,
  address: Address,
  headers: ReadonlyMap<string, string>,
  bodySha256: string | undefined,
): Verified<Principal> | null {
  const signed = {
    method,
    path: address.path,
    query: address.query,
    headers,
    ...(bodySha256 === undefined ? {} : { bodySha256 }),
  };
  return verifySignature(signed, (accessKeyId) => service.accounts.find(accessKeyId), new Date());
}

function checkPermission(call: Call, route: Route): void {
  if (route.action === null) return;
  const { bucket, key } = call.address;
  const versionId = call.query.get("versionId");
  const action = route.action.replace("…", versionId === undefined ? "" : "Version");
  authorize(call, action, {
    ...(bucket === undefined ? {} : { bucket }),
    ...(key === undefined ? {} : { key }),
    ...(versionId === undefined ? {} : { versionId }),
  });
}

function levelOf(address: Address): Route["level"] {
  if (address.bucket === undefined) return "service";
  return address.key === undefined ? "bucket" : "object";
}

/** Lower-case names; the values of a repeated header joined by commas, as signatures want them. */
function headersOf(request: IncomingMessage): Map<string, string> {
  const headers = new Map<string, string>();
  for (const [name, values] of Object.entries(request.headersDistinct)) {
    if (values !== undefined) headers.set(name, values.map((value) => value.trim()).join(","));
  }
  return headers;
}

async function readAll(request: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    size += piece.length;
    if (size > maximumQueryBytes) throw new StorageError("EntityTooLarge");
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}
