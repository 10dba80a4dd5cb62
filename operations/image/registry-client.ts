import { setTimeout as wait } from "node:timers/promises";
import { z } from "zod";
import { OperationError } from "../error.ts";
import type { RegistryCredentials } from "./access.ts";
import { answerChallenge, denied, parseChallenge } from "./authorization.ts";
import { codeOf } from "./missing.ts";
import { isLoopback, type ImageReference } from "./reference.ts";
import { parseJson } from "../json.ts";

export interface RegistryRequest {
  readonly method?: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent again after a challenge, so nothing that can be read only once. */
  readonly body?: Blob | Uint8Array<ArrayBuffer> | string;
  /** Answers other than 2xx that the caller handles itself. */
  readonly accept?: readonly number[];
  /** Ends the request; the registry's own limit of 30 s covers only the wait for the answer's head. */
  readonly signal?: AbortSignal;
}

/** One repository of one registry, spoken to with the OCI distribution protocol 1.1. */
export interface RegistryClient {
  readonly registry: string;
  readonly repository: string;
  /**
   * Sends a request to `/v2/<repository>/<path>`, or to an absolute URL that the registry named. Answers challenges; repeats
   * GET and HEAD when the registry is busy or the connection breaks. Throws an OperationError for every other answer that is
   * neither 2xx nor in `accept`.
   */
  request(path: string | URL, request?: RegistryRequest): Promise<Response>;
}

const headTimeoutMs = 30_000;
const tries = 4;
const busy = new Set([429, 500, 502, 503, 504]);

/** Connects to a repository. Nothing is sent before the first request. `push` asks for the right to write as well. */
export function connectRegistry(
  { registry, repository }: Pick<ImageReference, "registry" | "repository">,
  access: { credentials?: RegistryCredentials; signal?: AbortSignal },
  rights: "pull" | "pull,push" = "pull",
): RegistryClient {
  const origin = `${isLoopback(registry) ? "http" : "https"}://${registry}`;
  const scope = `repository:${repository}:${rights}`;
  const where = `registry ${registry}, repository ${repository}`;
  let authorization: string | undefined;

  async function send(url: URL, request: RegistryRequest): Promise<Response> {
    const head = new AbortController();
    const timer = setTimeout(
      () => head.abort(new Error(`no answer within ${headTimeoutMs / 1000} s`)),
      request.body === undefined ? headTimeoutMs : headTimeoutMs * 20,
    );
    const signals = [head.signal, access.signal, request.signal].filter((signal) => signal !== undefined);
    try {
      return await fetch(url, {
        method: request.method ?? "GET",
        headers: {
          ...request.headers,
          // A URL of another origin (a blob's storage) carries its own permission and must not see ours.
          ...(authorization !== undefined && url.origin === origin ? { authorization } : {}),
        },
        ...(request.body === undefined ? {} : { body: request.body }),
        signal: AbortSignal.any(signals),
      });
    } finally {
      clearTimeout(timer);
    }
  }

  async function sendAuthorized(url: URL, request: RegistryRequest): Promise<Response> {
    const answer = await send(url, request);
    if (answer.status !== 401) return answer;
    const challenge = parseChallenge(answer.headers.get("www-authenticate"));
    await answer.body?.cancel();
    const signal = AbortSignal.any(
      [AbortSignal.timeout(headTimeoutMs), access.signal].filter((item) => item !== undefined),
    );
    const credentials = access.credentials;
    authorization =
      challenge === undefined ? undefined : await answerChallenge(challenge, scope, { registry, credentials, signal });
    if (authorization === undefined) throw denied(where, credentials !== undefined);
    return await send(url, request);
  }

  async function request(path: string | URL, request: RegistryRequest = {}): Promise<Response> {
    const url = path instanceof URL ? path : new URL(`/v2/${repository}/${path}`, origin);
    const repeatable = request.method === undefined || request.method === "GET" || request.method === "HEAD";
    for (let attempt = 1; ; attempt += 1) {
      const last = attempt === tries || !repeatable;
      try {
        const answer = await sendAuthorized(url, request);
        if (answer.ok || request.accept?.includes(answer.status)) return answer;
        if (last || !busy.has(answer.status))
          throw await failure(where, path, answer, access.credentials !== undefined);
        await answer.body?.cancel();
        await wait(pauseMs(attempt, answer.headers.get("retry-after")), undefined, { signal: access.signal });
      } catch (error) {
        if (error instanceof OperationError) throw error;
        if (access.signal?.aborted || request.signal?.aborted) throw error;
        if (last) throw unreachable(where, error);
        await wait(pauseMs(attempt, null), undefined, { signal: access.signal });
      }
    }
  }

  return { registry, repository, request };
}

/** An answer's body as it comes. */
export async function* bodyOf(answer: Response): AsyncGenerator<Uint8Array> {
  if (answer.body !== null) yield* answer.body as AsyncIterable<Uint8Array>;
}

/** Waits 0.25, 0.5, 1 s, or what the registry asked for, at most 10 s. */
function pauseMs(attempt: number, retryAfter: string | null): number {
  const asked = Number(retryAfter ?? Number.NaN) * 1000;
  return Number.isFinite(asked) ? Math.min(asked, 10_000) : 125 * 2 ** attempt;
}

const ErrorAnswer = z.object({
  errors: z.array(z.object({ code: z.string(), message: z.string().optional() })).min(1),
});

async function failure(
  where: string,
  path: string | URL,
  answer: Response,
  withCredentials: boolean,
): Promise<OperationError> {
  const text = await answer.text().catch(() => "");
  if (answer.status === 401 || answer.status === 403) return denied(where, withCredentials);
  const said = ErrorAnswer.safeParse(parseJson(text)).data?.errors.map(({ code, message }) =>
    message === undefined ? code : `${code} (${message})`,
  );
  return new OperationError(busy.has(answer.status) ? "unreachable" : "failed", {
    where,
    what: `answered ${answer.status} to ${path instanceof URL ? path.pathname : path}${said === undefined ? "" : `: ${said.join(", ")}`}.`,
    next:
      answer.status === 404
        ? "Check the name and the digest, and that the image was pushed."
        : "Run it again; if it stays, look at the registry's log or status page.",
  });
}

function unreachable(where: string, error: unknown): OperationError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const reason = codeOf(cause) || (cause instanceof Error ? cause.message : String(cause));
  return new OperationError(
    "unreachable",
    { where, what: `did not answer: ${reason}.`, next: "Check that it runs and can be reached from here." },
    { cause: error },
  );
}
