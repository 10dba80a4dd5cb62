import type { IncomingMessage } from "node:http";
import { z } from "zod";
import type { Answer } from "./answer.ts";
import { FaultRequest, type Faults } from "./faults.ts";

/** Paths of the sandbox's own; `_` cannot begin a bucket's name. */
export const controlPath = "/_sandbox/";

/**
 * `POST /_sandbox/faults` plans faults (body: `FaultRequest`, JSON), `GET` lists them with how often each was played, `DELETE`
 * clears them. No signature is asked for: the server listens on the loopback only.
 */
export async function handleControl(request: IncomingMessage, faults: Faults): Promise<Answer> {
  if (request.url !== `${controlPath}faults`)
    return json(404, { error: `There is no ${request.url ?? ""} here; the sandbox has ${controlPath}faults.` });
  if (request.method === "GET") return json(200, { faults: faults.list() });
  if (request.method === "DELETE") {
    faults.clear();
    return { status: 204 };
  }
  if (request.method !== "POST") return json(405, { error: "Use GET, POST or DELETE." });
  const parsed = FaultRequest.safeParse(await readJson(request));
  if (!parsed.success) return json(422, { error: z.prettifyError(parsed.error) });
  faults.add(parsed.data.faults);
  return json(201, { faults: faults.list() });
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const pieces: Buffer[] = [];
  for await (const piece of request as AsyncIterable<Buffer>) pieces.push(piece);
  try {
    return JSON.parse(Buffer.concat(pieces).toString("utf8"));
  } catch {
    return undefined;
  }
}

function json(status: number, content: object): Answer {
  return { status, headers: { "content-type": "application/json" }, body: JSON.stringify(content) };
}
