import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { OperationError } from "../error.ts";
import type { Context } from "../verb.ts";
import { parseJson } from "../json.ts";

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

  constructor(request: CoolifyRequest, status: number, body: ErrorBody) {
    const fields = Array.isArray(body.errors)
      ? body.errors
      : Object.entries(body.errors ?? {}).map(([field, text]) => `${field}: ${[text].flat().join(" ")}`);
    super(status === 401 || status === 403 ? "refused" : "failed", {
      where: `Coolify, ${request.method} ${request.path.replace(/\?.*/, "")}`,
      what: `answered ${status}: ${[body.message ?? "without a message", ...fields].join("; ").replace(/\.$/, "")}.`,
      next: remedy(status, body),
    });
    this.status = status;
    this.unknownRoute = status === 404 && body.docs !== undefined;
  }
}

/**
 * `errors` names fields, with a string or a list each; some handlers answer a bare list of sentences or field names instead
 * (379abb2, app/Exceptions/Handler.php and DatabasesController.php).
 */
const ErrorBody = z.object({
  message: z.string().optional(),
  docs: z.string().optional(),
  errors: z.union([z.array(z.string()), z.record(z.string(), z.union([z.string(), z.array(z.string())]))]).optional(),
});
type ErrorBody = z.infer<typeof ErrorBody>;

type Version = readonly [major: number, minor: number, patch: number];

/** The lowest version whose API has all that is used here; S3 storages, tags and move came with it. */
const floor = [4, 3, 0] as const;

/** Longest wait for the shared limit of 200 requests a minute to allow the next one. */
const throttleLimitMs = 180_000;

/** How often a read is sent before a network that fails is believed. */
const readTries = 4;

interface Answer {
  readonly status: number;
  readonly body: string;
  /** Seconds. */
  readonly retryAfter: number;
}

/** Coolify's REST API over one token. Waits where it is throttled; repeats only what is harmless to repeat. */
export class CoolifyClient {
  readonly #base: string;
  readonly #token: string;
  readonly #context: Pick<Context, "progress" | "signal">;
  #version: Version | undefined;

  /** From COOLIFY_URL and COOLIFY_TOKEN; both missing ones are named at once. */
  constructor({ env, progress, signal }: Context) {
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
  }

  async get<T extends z.ZodType>(path: string, answer: T): Promise<z.output<T>> {
    return this.#send({ method: "GET", path }, answer);
  }

  async send<T extends z.ZodType>(request: CoolifyRequest, answer: T): Promise<z.output<T>> {
    return this.#send(request, answer);
  }

  /** Like `get`, with null for a resource that does not exist. */
  async find<T extends z.ZodType>(path: string, answer: T): Promise<z.output<T> | null> {
    try {
      return await this.#send({ method: "GET", path }, answer);
    } catch (error) {
      if (error instanceof CoolifyError && error.status === 404 && !error.unknownRoute) return null;
      throw error;
    }
  }

  /** The server's version, asked for once; below the floor is refused. */
  async version(): Promise<Version> {
    return (this.#version ??= await this.#readVersion());
  }

  async #readVersion(): Promise<Version> {
    const text = await this.#send({ method: "GET", path: "/version" }, z.coerce.string());
    const [, major = "0", minor = "0", patch = "0"] = /(\d+)\.(\d+)(?:\.(\d+))?/.exec(text) ?? [];
    const version = [Number(major), Number(minor), Number(patch)] as const;
    if (atLeast(version, floor)) return version;
    throw new OperationError("refused", {
      where: "Coolify",
      what: `is version ${text.trim()}, below ${floor.join(".")}.`,
      next: "Upgrade Coolify; 4.4.7 or newer is recommended.",
    });
  }

  async #send<T extends z.ZodType>(request: CoolifyRequest, answer: T): Promise<z.output<T>> {
    const deadline = Date.now() + throttleLimitMs;
    for (let tries = 1; ; tries += 1) {
      const response = await this.#once(request, tries);
      if (response === null) continue;
      const { status, body, retryAfter } = response;
      if (status >= 200 && status < 300) return this.#parse(request, body, answer);
      const { success, data } = ErrorBody.safeParse(parseJson(body));
      if (status !== 429 || Date.now() + retryAfter * 1000 > deadline) {
        throw new CoolifyError(request, status, success ? data : { message: body.slice(0, 200) });
      }
      this.#context.progress.note(`Coolify asks to wait ${retryAfter} s (rate limit)`);
      await delay(retryAfter * 1000, undefined, { signal: this.#context.signal });
    }
  }

  /** Null when a read failed on the network, or in a gateway before Coolify, and is worth another try. */
  async #once({ method, path, body }: CoolifyRequest, tries: number): Promise<Answer | null> {
    const again = method === "GET" && tries < readTries;
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
        signal: AbortSignal.any([this.#context.signal, AbortSignal.timeout(30_000)]),
      });
      const text = await response.text();
      if (!again || ![502, 503, 504].includes(response.status)) {
        const seconds = Number.parseFloat(response.headers.get("retry-after") ?? "");
        return {
          status: response.status,
          body: text,
          retryAfter: Number.isFinite(seconds) ? Math.max(seconds, 0.1) : 5,
        };
      }
    } catch (error) {
      this.#context.signal.throwIfAborted();
      if (!again) {
        throw new OperationError(
          "unreachable",
          {
            where: `Coolify, ${method} ${path.replace(/\?.*/, "")}`,
            what: `gave no answer at ${this.#base} (${networkReason(error)}).`,
            next: "Check COOLIFY_URL and that Coolify runs; then run again.",
          },
          { cause: error },
        );
      }
    }
    await delay(500 * tries, undefined, { signal: this.#context.signal });
    return null;
  }

  #parse<T extends z.ZodType>(request: CoolifyRequest, body: string, answer: T): z.output<T> {
    const parsed = answer.safeParse(parseJson(body) ?? body);
    if (parsed.success) return parsed.data;
    throw new OperationError("failed", {
      where: `Coolify, ${request.method} ${request.path.replace(/\?.*/, "")}`,
      what: `answered in an unexpected shape:\n${z.prettifyError(parsed.error)}\n`,
      next: "Compare the server's version with the supported ones (4.3 to 4.7) and report this answer.",
    });
  }
}

/** Whether a version is the given one or newer. */
export function atLeast(version: readonly number[], wanted: readonly number[]): boolean {
  for (const [place, part] of wanted.entries()) {
    const own = version[place] ?? 0;
    if (own !== part) return own > part;
  }
  return true;
}

function remedy(status: number, body: ErrorBody): string {
  if (status === 401) return "Set COOLIFY_TOKEN to a valid token, the number and the pipe included.";
  if (status === 403) {
    return "Give the token the abilities read, read:sensitive, write and deploy (from 4.6 also delete), or turn on the API and allow this address in Coolify's settings.";
  }
  if (status === 404 && body.docs !== undefined)
    return "This Coolify does not know the route: upgrade it to 4.4.7 or newer.";
  if (status === 404) return "It is gone, or belongs to another team than the token's.";
  if (status === 409)
    return "Something else holds this name or domain, or the resource is busy; look at it in Coolify.";
  if (status === 422) return "Correct the named fields; a field unknown to this version refuses the whole request.";
  if (status === 429) return "Wait a minute and run again, or raise API_RATE_LIMIT on the server.";
  return "Look at Coolify's own log; the same command can be run again.";
}

function networkReason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
