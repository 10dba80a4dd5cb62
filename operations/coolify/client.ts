import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { OperationError } from "../error.ts";
import { parseJson } from "../json.ts";
import type { Context } from "../verb.ts";
import { ErrorBody, abilityFor, complaints, holders, isQueueFull, refusalScope, remedy } from "./remedy.ts";
import { openSharedLog } from "./shared-log.ts";
import { Throttle } from "./throttle.ts";
import { atLeast, floor, parseVersion, recommended, type Version } from "./version.ts";

type Method = "GET" | "POST" | "PATCH" | "DELETE";

export interface CoolifyRequest {
  readonly method: Method;
  /** Below `/api/v1`, with its query. */
  readonly path: string;
  readonly body?: Readonly<Record<string, unknown>>;
}

/** An answer that is not a success, as Coolify words it. */
export class CoolifyError extends OperationError {
  readonly status: number;
  /** The route does not exist in this version (404 with a `docs` field), as opposed to a resource that is gone. */
  readonly unknownRoute: boolean;

  constructor(request: CoolifyRequest, { status, error }: Failed, version?: Version) {
    const what = [error.message ?? "without a message", ...complaints(error), ...holders(error)];
    super(status === 401 || status === 403 ? "refused" : "failed", {
      where: placeOf(request),
      what: `answered ${status}: ${what.join("; ").replace(/\.$/, "")}.`,
      next: remedy(request, status, error, version),
    });
    this.status = status;
    this.unknownRoute = status === 404 && error.docs !== undefined;
  }
}

/** Longest wait in ms for the shared limit of requests to allow the next one. */
const throttleLimitMs = 180_000;
/** Longest wait in ms for a place in the deployment queue of a server. */
const queueLimitMs = 900_000;
/** How often a request that is harmless to repeat is sent before a network that fails is believed. */
const tries = 4;

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: Headers;
}

interface Failed {
  readonly status: number;
  readonly error: ErrorBody;
}

/** Coolify's REST API over one token. Keeps the limit that all its processes share, and repeats only what is harmless to repeat. */
export class CoolifyClient {
  readonly #base: string;
  readonly #token: string;
  readonly #context: Pick<Context, "progress" | "signal">;
  readonly #throttle: () => Promise<Throttle>;
  /** Refusals of this process, by what they are about: none of it is asked again. */
  readonly #refused = new Map<string, CoolifyError>();
  #version: Version | undefined;

  /**
   * From COOLIFY_URL and COOLIFY_TOKEN; both missing ones are named at once. `throttle`: instead of the one that processes share.
   * `prompt`: for reads that nobody should wait for; a request that the shared limit does not allow now fails.
   */
  constructor(
    { env, progress, signal }: Context,
    { throttle, prompt = false }: { throttle?: Throttle; prompt?: boolean } = {},
  ) {
    const missing = ["COOLIFY_URL", "COOLIFY_TOKEN"].filter((name) => !env[name]);
    if (missing.length > 0) {
      throw new OperationError("usage", {
        where: missing.join(" and "),
        what: "must be set.",
        next: "COOLIFY_URL is the dashboard's address; a token is made in Coolify under Keys & Tokens.",
      });
    }
    this.#base = `${(env.COOLIFY_URL ?? "").replace(/\/+$/, "")}/api/v1`;
    this.#token = env.COOLIFY_TOKEN ?? "";
    this.#context = { progress, signal };
    let opened = throttle === undefined ? undefined : Promise.resolve(throttle);
    const begunAt = Date.now();
    this.#throttle = () =>
      (opened ??= sharedThrottle(this.#base, this.#token, env.XDG_RUNTIME_DIR, { progress, begunAt, prompt }));
  }

  async get<T extends z.ZodType>(path: string, answer: T): Promise<z.output<T>> {
    return this.send({ method: "GET", path }, answer);
  }

  async send<T extends z.ZodType>(request: CoolifyRequest, answer: T): Promise<z.output<T>> {
    const known = this.#refused.get("all") ?? this.#refused.get(abilityFor(request));
    if (known !== undefined) throw known;
    const result = await this.#answer(request);
    if (!("error" in result)) return parse(request, result.body, answer);
    const error = new CoolifyError(request, result, this.#version);
    if (result.status === 401 || result.status === 403) {
      const scope = refusalScope(result.status, result.error);
      this.#refused.set(scope, error);
      await (await this.#throttle()).refused(scope, result.status);
    }
    throw error;
  }

  /** Like `get`, with null for a resource that does not exist. */
  async find<T extends z.ZodType>(path: string, answer: T): Promise<z.output<T> | null> {
    try {
      return await this.get(path, answer);
    } catch (error) {
      if (error instanceof CoolifyError && error.status === 404 && !error.unknownRoute) return null;
      throw error;
    }
  }

  /** Null when it succeeded, else why it did not: for looking at what a token may do. No other request is stopped by it. */
  async probe(request: CoolifyRequest): Promise<CoolifyError | null> {
    const result = await this.#answer(request);
    return "error" in result ? new CoolifyError(request, result, this.#version) : null;
  }

  /** The server's version, asked for once by all processes of some minutes; below the floor is refused. */
  async version(): Promise<Version> {
    return (this.#version ??= await this.#readVersion(await (await this.#throttle()).knownVersion()));
  }

  /** The same, asked of the server at this moment whatever is known. */
  async versionNow(): Promise<Version> {
    return (this.#version = await this.#readVersion(null));
  }

  async #readVersion(known: string | null): Promise<Version> {
    const throttle = await this.#throttle();
    const text = (known ?? (await this.get("/version", z.coerce.string()))).trim();
    const version = parseVersion(text);
    if (version === null || !atLeast(version, floor)) {
      throw new OperationError("refused", {
        where: "Coolify",
        what:
          version === null
            ? `calls its version "${text.slice(0, 40)}".`
            : `is version ${text}, below ${floor.join(".")}.`,
        next: `Upgrade Coolify; ${recommended.join(".")} or newer is recommended.`,
      });
    }
    if (known === null) {
      await throttle.learntVersion(text);
      if (!atLeast(version, recommended)) {
        this.#context.progress.note(
          `Coolify is version ${text}; ${recommended.join(".")} or newer is recommended: a security release, and registry logins by API`,
        );
      }
    }
    return version;
  }

  async #answer(request: CoolifyRequest): Promise<{ body: string } | Failed> {
    const throttle = await this.#throttle();
    const started = Date.now();
    for (let tried = 1; ; tried += 1) {
      await throttle.turn(abilityFor(request), this.#context);
      const answer = await this.#once(request, tried);
      if (answer === null) continue;
      const { status, body, headers } = answer;
      await throttle.answered(headers);
      if (status >= 200 && status < 300) return { body };
      // Another try's answer got lost, and it was carried out.
      if (status === 404 && request.method === "DELETE" && tried > 1) return { body };
      const { success, data } = ErrorBody.safeParse(parseJson(body));
      const error = success ? data : { message: body.slice(0, 200) };
      if (status !== 429) return { status, error };
      const seconds = retryAfter(headers);
      const full = isQueueFull(request, error);
      const patienceMs = throttle.prompt ? 0 : full ? queueLimitMs : throttleLimitMs;
      if (Date.now() - started + seconds * 1000 > patienceMs) return { status, error };
      this.#context.progress.note(
        full
          ? `The deployment queue of the server is full; asking again in ${seconds} s`
          : `Coolify asks to wait ${seconds} s (rate limit)`,
      );
      // A full queue is one server's: others may go on.
      if (full) await delay(seconds * 1000, undefined, { signal: this.#context.signal });
      else await throttle.paused(seconds);
    }
  }

  /** Null when a request failed on the network, or in a gateway before Coolify, and is worth another try. */
  async #once(request: CoolifyRequest, tried: number): Promise<Answer | null> {
    const { method, path, body } = request;
    const { signal } = this.#context;
    try {
      const response = await fetch(`${this.#base}${path}`, {
        method,
        redirect: "error",
        headers: {
          authorization: `Bearer ${this.#token}`,
          accept: "application/json",
          ...(body === undefined ? {} : { "content-type": "application/json" }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.any([signal, AbortSignal.timeout(30_000)]),
      });
      const text = await response.text();
      const gateway = [502, 503, 504].includes(response.status);
      if (!gateway || tried >= tries || !isHarmless(request))
        return { status: response.status, body: text, headers: response.headers };
    } catch (error) {
      signal.throwIfAborted();
      // A change that timed out may still be under way, and must not come after a later one.
      const late = error instanceof Error && error.name === "TimeoutError" && method !== "GET";
      if (late || tried >= tries || !isHarmless(request)) {
        throw new OperationError(
          "unreachable",
          {
            where: placeOf(request),
            what: `gave no answer at ${this.#base} (${networkReason(error)}).`,
            next: "Check COOLIFY_URL and that Coolify runs; then run again.",
          },
          { cause: error },
        );
      }
    }
    await delay(500 * tried, undefined, { signal });
    return null;
  }
}

/**
 * What may be sent twice. A PATCH of these writes the same fields again, and a variable that is gone stays gone; whatever makes,
 * deploys, starts or stops something may have been carried out although its answer got lost.
 */
function isHarmless({ method, path }: CoolifyRequest): boolean {
  if (method === "GET") return true;
  if (method === "PATCH") return /^\/(applications|databases)\/[^/]+(\/envs\/bulk)?$/.test(path);
  return method === "DELETE" && /^\/applications\/[^/]+\/envs\/[^/]+$/.test(path);
}

async function sharedThrottle(
  base: string,
  token: string,
  runtimeFolder: string | undefined,
  { progress, begunAt, prompt }: Pick<Context, "progress"> & { begunAt: number; prompt: boolean },
): Promise<Throttle> {
  // The number before the pipe names the token without being a secret.
  const [, id = ""] = /^(\d+)\|/.exec(token) ?? [];
  const opened = await openSharedLog(runtimeFolder, `${base} ${id}`);
  if (opened.private !== undefined) {
    progress.note(`the limit of requests is kept by this process alone (${opened.private})`);
  }
  return new Throttle(opened.log, { begunAt, prompt });
}

function parse<T extends z.ZodType>(request: CoolifyRequest, body: string, answer: T): z.output<T> {
  const parsed = answer.safeParse(parseJson(body) ?? body);
  if (parsed.success) return parsed.data;
  throw new OperationError("failed", {
    where: placeOf(request),
    what: `answered in an unexpected shape:\n${z.prettifyError(parsed.error)}\n`,
    next: "Compare the server's version with the supported ones (4.3 to 4.7) and report this answer.",
  });
}

function placeOf({ method, path }: CoolifyRequest): string {
  return `Coolify, ${method} ${path.replace(/\?.*/, "")}`;
}

function retryAfter(headers: Headers): number {
  const seconds = Number.parseFloat(headers.get("retry-after") ?? "");
  return Number.isFinite(seconds) ? Math.max(seconds, 0.1) : 5;
}

function networkReason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
