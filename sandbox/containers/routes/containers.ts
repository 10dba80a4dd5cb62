import { once } from "node:events";
import type { Container } from "../container.ts";
import type { CreateRequest } from "../create.ts";
import { DockerError } from "../docker-error.ts";
import type { ContainerEngine } from "../engine.ts";
import type { Execs } from "../exec.ts";
import { type ExecRequest } from "../exec.ts";
import { containerMatches, parseFilters } from "../filters.ts";
import { frame } from "../frames.ts";
import { follow, tailOf } from "../logs.ts";
import { flag, integer, type Call, type Route } from "../router.ts";
import { parseSignal } from "../signals.ts";
import { logFile } from "../supervisor.ts";
import { inspectView, listView } from "../views.ts";

export function containerRoutes(engine: ContainerEngine, execs: Execs): readonly Route[] {
  const container = ({ path }: Call) => engine.get(path["id"] ?? "");
  const directory = (of: Container) => engine.surroundings(of.record).directory;
  return [
    ["GET", "/containers/json", async ({ query }) => ({ status: 200, json: list(engine, query) })],
    [
      "POST",
      "/containers/create",
      async ({ query, body }) => {
        const created = await engine.create(query.get("name") ?? undefined, await body<CreateRequest>());
        return { status: 201, json: { Id: created.id, Warnings: [] } };
      },
    ],
    [
      "GET",
      "/containers/:id/json",
      async (call) => {
        const found = container(call);
        return { status: 200, json: inspectView(found, directory(found)) };
      },
    ],
    ["POST", "/containers/:id/start", (call) => nothing(container(call).start())],
    [
      "POST",
      "/containers/:id/stop",
      (call) => nothing(container(call).stop(integer(call.query, "t"), signalOf(call.query))),
    ],
    ["POST", "/containers/:id/restart", (call) => nothing(container(call).restart(integer(call.query, "t")))],
    ["POST", "/containers/:id/kill", (call) => nothing(container(call).kill(signalOf(call.query) ?? "SIGKILL"))],
    ["POST", "/containers/:id/rename", (call) => nothing(engine.rename(container(call), call.query.get("name") ?? ""))],
    ["POST", "/containers/:id/wait", (call) => wait(container(call), call)],
    ["GET", "/containers/:id/logs", (call) => logs(container(call), logFile(directory(container(call))), call)],
    ["DELETE", "/containers/:id", (call) => nothing(engine.remove(container(call), flag(call.query, "force")))],
    [
      "POST",
      "/containers/:id/exec",
      async (call) => ({ status: 201, json: { Id: execs.create(container(call), await call.body<ExecRequest>()) } }),
    ],
    ["GET", "/exec/:id/json", async ({ path }) => ({ status: 200, json: execs.inspect(path["id"] ?? "") })],
    ["POST", "/exec/:id/start", (call) => startExec(engine, execs, call)],
  ];
}

async function nothing(done: Promise<void>): Promise<{ status: number }> {
  await done;
  return { status: 204 };
}

function signalOf(query: URLSearchParams) {
  const text = query.get("signal");
  return text === null || text === "" ? undefined : parseSignal(text);
}

function list(engine: ContainerEngine, query: URLSearchParams): object[] {
  const filters = parseFilters(query.get("filters"));
  const limit = integer(query, "limit");
  const everything = flag(query, "all") || "status" in filters || limit !== undefined;
  return engine
    .all()
    .filter((container) => everything || container.running)
    .filter((container) => containerMatches(container, filters))
    .slice(0, limit)
    .map(listView);
}

async function wait(container: Container, { query, response }: Call): Promise<undefined> {
  const condition = query.get("condition") ?? "not-running";
  if (!["not-running", "next-exit", "removed"].includes(condition)) {
    throw new DockerError(400, `invalid condition: "${condition}"`);
  }
  const ended = condition === "not-running" && !container.running ? container.record.state.exitCode : container.exit();
  // As Docker, which answers before the container has exited: the client then knows that it is waiting.
  response.writeHead(200, { "content-type": "application/json" }).flushHeaders();
  const gone = once(response, "close").then(() => null);
  const exitCode = await Promise.race([ended, gone]);
  if (exitCode !== null) response.end(`${JSON.stringify({ StatusCode: exitCode })}\n`);
  return undefined;
}

async function logs(container: Container, file: string, { query, response }: Call): Promise<undefined> {
  if (!flag(query, "stdout") && !flag(query, "stderr")) {
    throw new DockerError(400, "Bad parameters: you must choose at least one stream");
  }
  if (flag(query, "timestamps")) throw new DockerError(501, "Timestamps are not kept by the process runtime.");
  const tail = query.get("tail") ?? "all";
  const lines = tail === "all" || tail === "" ? "all" : (integer(query, "tail") ?? 0);
  const framed = container.record.config.Tty !== true;
  const written = (content: Buffer) => (framed ? frame("stdout", content) : content);
  const { content, end } = await tailOf(file, lines);
  const type = framed ? "application/vnd.docker.multiplexed-stream" : "application/vnd.docker.raw-stream";
  response.writeHead(200, { "content-type": type });
  if (content.length > 0) response.write(written(content));
  if (flag(query, "follow") && container.running) {
    const over = new AbortController();
    response.once("close", () => over.abort());
    void container.exit().then(() => over.abort());
    for await (const chunk of follow(file, end, over.signal)) response.write(written(chunk));
  }
  response.end();
  return undefined;
}

async function startExec(engine: ContainerEngine, execs: Execs, call: Call): Promise<undefined> {
  const id = call.path["id"] ?? "";
  const around = engine.surroundings(execs.containerOf(id).record);
  await call.body();
  const { response } = call;
  response.writeHead(200, { "content-type": "application/vnd.docker.raw-stream" });
  await execs.start(id, around, response);
  response.end();
  return undefined;
}
