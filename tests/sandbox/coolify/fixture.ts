import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { isFields, type Fields, type Json } from "../../../sandbox/coolify/json.ts";
import { startCoolify, type CoolifyOptions, type RunningCoolify, type Token } from "../../../sandbox/coolify/server.ts";

/** A token that may do everything in the root team. */
export const rootToken: Token = { token: "1|root", abilities: ["root"], teamId: 0 };

/** An answer, with its body as JSON when it is JSON. */
interface Answer {
  status: number;
  headers: Headers;
  text: string;
  json: Json;
}

/** The stand-in in this process, on a folder of its own. */
export interface Playground {
  readonly dir: string;
  readonly url: string;
  /** Asks with the root token unless told otherwise; null sends none. `body` is sent as JSON, a string as it is. */
  ask(
    method: string,
    route: string,
    body?: Json,
    options?: { token?: string | null; contentType?: string },
  ): Promise<Answer>;
  /** Asks and insists on the status, so that a surprise shows the body. */
  expect(status: number, method: string, route: string, body?: Json): Promise<Fields>;
  /** Closes the server and starts one on the same folder. */
  restart(changes?: Partial<CoolifyOptions>): Promise<void>;
  close(): Promise<void>;
}

/** Starts the stand-in; without `docker` nothing answers there. */
export async function openPlayground(options: Partial<CoolifyOptions> = {}): Promise<Playground> {
  const dir = options.dir ?? (await mkdtemp(path.join(tmpdir(), "coolify-")));
  const all: CoolifyOptions = {
    host: "127.0.0.1",
    port: 0,
    dir,
    docker: { host: "127.0.0.1", port: 1 },
    version: "4.4.7",
    tokens: [rootToken],
    rateLimitPerMinute: 100_000,
    log: () => undefined,
    ...options,
  };
  let running: RunningCoolify = await startCoolify(all);
  const playground: Playground = {
    dir,
    get url() {
      return running.url;
    },
    async ask(method, route, body, { token = "1|root", contentType = "application/json" } = {}) {
      const answer = await fetch(`${running.url}${route.startsWith("/api") ? route : `/api/v1${route}`}`, {
        method,
        headers: {
          ...(token === null ? {} : { authorization: `Bearer ${token}` }),
          ...(body === undefined ? {} : { "content-type": contentType }),
        },
        ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
      });
      const text = await answer.text();
      const isJson = answer.headers.get("content-type")?.includes("json") === true;
      return { status: answer.status, headers: answer.headers, text, json: isJson ? (JSON.parse(text) as Json) : null };
    },
    async expect(status, method, route, body) {
      const answer = await playground.ask(method, route, body);
      assert.equal(answer.status, status, `${method} ${route}: ${answer.text}`);
      return isFields(answer.json) ? answer.json : { list: answer.json };
    },
    async restart(changes = {}) {
      await running.close();
      Object.assign(all, changes);
      running = await startCoolify(all);
    },
    async close() {
      await running.close();
      if (options.dir === undefined) await rm(dir, { recursive: true, force: true });
    },
  };
  return playground;
}

/** Where to put things: a new project's `production` environment on the only server. */
export async function openPlace(playground: Playground): Promise<Fields> {
  const { uuid: project_uuid = "" } = await playground.expect(201, "POST", "/projects", { name: "shop" });
  const server_uuid = fieldsIn((await playground.ask("GET", "/servers")).json)[0]?.uuid ?? "";
  return { project_uuid, server_uuid, environment_name: "production" };
}

/** Makes an application without a domain, and gives its uuid. */
export async function addApplication(playground: Playground, place: Fields, fields: Fields = {}): Promise<string> {
  const { uuid } = await playground.expect(201, "POST", "/applications/dockerimage", {
    ...place,
    docker_registry_image_name: "ghcr.io/acme/shop",
    ports_exposes: "3000",
    autogenerate_domain: false,
    ...fields,
  });
  return uuid as string;
}

/** The objects of a list. */
export function fieldsIn(value: Json | undefined): Fields[] {
  return (Array.isArray(value) ? value : []).filter(isFields);
}

/** Asks again until `look` gives a value. Fails after 30 s with what was seen last. */
export async function until<T>(what: string, look: () => Promise<T | undefined | false>): Promise<T> {
  const deadline = Date.now() + 30_000;
  let last: unknown;
  while (Date.now() < deadline) {
    const value = await look().catch((error: unknown) => {
      last = error;
      return undefined;
    });
    if (value !== undefined && value !== false) return value;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`${what} was not seen within 30 s; last problem: ${String(last)}`);
}
