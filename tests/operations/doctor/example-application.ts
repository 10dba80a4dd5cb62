import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { ExaminedProcess } from "../../../operations/doctor/examined-process.ts";
import { freePort } from "../../../sandbox/processes/free-port.ts";

/**
 * An application that does all that is asked of it, or all but one thing: FLAW names it. `dependency` is what it asks for its
 * readiness: with the flaw at once, without it from memory.
 */
export const exampleSource = `
import { createServer, get } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
const { FLAW, PORT, DEPENDENCY } = process.env;
let phase = "serving";
const dependency = () => new Promise((resolve) => {
  get(DEPENDENCY, { timeout: 200 }, (answer) => { answer.resume(); resolve(true); })
    .on("timeout", function () { this.destroy(); }).on("error", () => resolve(false));
});
const metrics = (FLAW === "metrics" ? "http_requests{method=" : "http_requests_total{method=") + '"GET",route="/",status="200"} 1\\n'
  + 'http_request_duration_seconds_bucket{le="1",method="GET",route="/",status="200"} 1\\n';
const server = createServer(async (request, response) => {
  const answer = (status, body) => response.writeHead(status).end(body);
  if (phase === "draining" && FLAW !== "kept connections move") response.setHeader("connection", "close");
  if (request.url === "/health") return answer(FLAW === "liveness" ? 500 : 200);
  if (request.url === "/health/ready") {
    if (FLAW === "readiness") await pause(700);
    const ready = phase !== "draining" || FLAW === "unready, and serving";
    return answer(ready && (FLAW !== "dependency grace" || await dependency()) ? 200 : 503);
  }
  if (request.url === "/health/started") return answer(phase === "draining" && FLAW === "Docker's health" ? 503 : 200);
  if (request.url === "/version") return answer(200, JSON.stringify({ release: "1", digest: null, gitSha: FLAW === "version" ? "abc" : "a".repeat(40) }));
  if (request.url === "/metrics") return answer(200, metrics);
  if (request.url === "/slow") { await pause(4_000); return FLAW === "running requests" ? request.socket.destroy() : answer(200); }
  return answer(404);
});
server.keepAliveTimeout = FLAW === "idle connections" ? 5_000 : 95_000;
server.listen(Number(PORT), "127.0.0.1");
process.on("SIGTERM", async () => {
  await pause(FLAW === "ready after SIGTERM" ? 1_000 : 3_100);
  phase = "draining";
  // Long enough for /slow whatever the flaw.
  await pause(FLAW === "ready after SIGTERM" ? 3_600 : 1_500);
  if (FLAW === "listening until the exit") { server.close(); server.closeIdleConnections(); await pause(1_500); }
  process.exit(FLAW === "exit" ? 1 : 0);
});
`;

export interface ExampleApplication {
  readonly url: string;
  readonly child: ChildProcess;
}

export async function startExample(flaw: string, dependencyUrl = ""): Promise<ExampleApplication> {
  const port = await freePort("127.0.0.1");
  const child = spawn(process.execPath, ["--input-type=module", "--eval", exampleSource], {
    env: { ...process.env, FLAW: flaw, PORT: `${port}`, DEPENDENCY: dependencyUrl },
    stdio: "ignore",
  });
  return { url: `http://127.0.0.1:${port}`, child };
}

/** Answers everything; for others to depend on. */
export async function startDependency(): Promise<ExampleApplication> {
  const port = await freePort("127.0.0.1");
  const child = spawn(
    process.execPath,
    ["--eval", `require("node:http").createServer((_, response) => response.end()).listen(${port}, "127.0.0.1")`],
    { stdio: "ignore" },
  );
  await once(child, "spawn");
  return { url: `http://127.0.0.1:${port}`, child };
}

/** As its parent sees it: with the exit code, which nobody else learns. */
export function processOf({ child }: ExampleApplication): ExaminedProcess {
  const ended = once(child, "exit").then(([code, signal]: unknown[]) =>
    typeof code === "number" ? code : String(signal),
  );
  return {
    terminate: () => void child.kill("SIGTERM"),
    async kill() {
      child.kill("SIGKILL");
      await ended;
    },
    ended,
  };
}
