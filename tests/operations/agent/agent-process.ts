import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { cleanUpLater } from "../../clean-up.ts";
import { until } from "../../sandbox/coolify/fixture.ts";

type LogLine = Record<string, unknown> & { readonly message: string };

/** An agent in a process of its own, whose clock only moves when it is told. */
export class AgentProcess {
  readonly child: ChildProcess;
  readonly lines: LogLine[] = [];
  #port = 0;

  private constructor(child: ChildProcess) {
    this.child = child;
    createInterface({ input: child.stdout as Readable }).on("line", (line) =>
      this.lines.push(JSON.parse(line) as LogLine),
    );
    cleanUpLater(async () => child.kill("SIGKILL"));
  }

  /** `killAt`: it kills itself with -9 when it would log a message that begins like this. */
  static async start(env: Record<string, string>, now: Date, killAt = ""): Promise<AgentProcess> {
    const script = fileURLToPath(new URL("./agent-child.ts", import.meta.url));
    const child = fork(script, [], {
      env: { PATH: process.env.PATH, ...env, TEST_NOW: now.toISOString(), TEST_KILL_AT: killAt },
      stdio: ["ignore", "pipe", "inherit", "ipc"],
    });
    const agent = new AgentProcess(child);
    const [message] = (await once(child, "message")) as [{ port: number }];
    agent.#port = message.port;
    return agent;
  }

  /** What time it is from now on. */
  tell(now: Date): void {
    this.child.send({ now: now.toISOString() });
  }

  async get(path: string): Promise<{ status: number; body: string }> {
    const answer = await fetch(`http://127.0.0.1:${this.#port}${path}`);
    return { status: answer.status, body: await answer.text() };
  }

  /** The value of a series, for example `affexai_open_runs` or `affexai_backup_size_bytes{reason="daily"}`; null without one. */
  async metric(series: string): Promise<number | null> {
    const { body } = await this.get("/metrics");
    const line = body.split("\n").find((one) => one.startsWith(`${series} `));
    return line === undefined ? null : Number(line.slice(series.length + 1));
  }

  /** Waits until everything that is due was done, `job` last. */
  async done(job: string, times = 1): Promise<void> {
    await until(`${job} done ${times} times`, async () => {
      const ended = (await this.metric(`affexai_agent_job_runs_total{job="${job}"}`)) ?? 0;
      return ended >= times;
    });
  }

  /** Ends it as Docker does, and gives its exit code. */
  async stop(): Promise<number | null> {
    const exited = once(this.child, "exit");
    this.child.kill("SIGTERM");
    const [code] = (await exited) as [number | null];
    return code;
  }

  async died(): Promise<NodeJS.Signals | null> {
    if (this.child.signalCode !== null) return this.child.signalCode;
    const [, signal] = (await once(this.child, "exit")) as [number | null, NodeJS.Signals | null];
    return signal;
  }
}
