import type pg from "pg";
import { OperationError } from "../../error.ts";
import type { Context } from "../../verb.ts";
import type { RunScript } from "../image-runner.ts";
import { packScript } from "../pack-script.ts";
import { Failed, Reached } from "./steps.ts";

interface Script {
  readonly run: RunScript;
  readonly runId: string;
  /** For the script, without secrets. Its `applicationName` is what its sessions are found by. */
  readonly job: { readonly applicationName: string } & Readonly<Record<string, unknown>>;
  /** Of the scratch database, with the password. */
  readonly url: string;
  /** On the scratch database. */
  readonly client: pg.Client;
  readonly timeoutMs: number;
}

/**
 * Runs the rehearsal's script in the image. `at` is called for each step in turn, while the script waits at its gate; it says whether to go
 * on. Resolves when the script has ended: by itself, or because it was to. Throws when it failed on its own account.
 */
export async function runRehearsalScript(
  { run, runId, job, url, client, timeoutMs }: Script,
  at: (reached: Reached) => Promise<"go on" | "end">,
  { progress, signal }: Pick<Context, "progress" | "signal">,
): Promise<"finished" | "stopped"> {
  const failures: unknown[] = [];
  let stopped = false;
  let steps = Promise.resolve();
  const stop = async () => {
    stopped = true;
    // A script without its sessions ends by itself.
    await client.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1", [
      job.applicationName,
    ]);
  };
  const take = async (reached: Reached) => {
    if (stopped) return;
    try {
      signal.throwIfAborted();
      if ((await at(reached)) === "end") await stop();
    } catch (error) {
      failures.push(error);
      await stop();
    }
  };
  try {
    await run({
      runId,
      argv: ["--input-type=module", "-"],
      input: await packScript(new URL("../image-scripts/rehearsal.mjs", import.meta.url)),
      env: { AFFEXAI_JOB: JSON.stringify(job), DATABASE_URL: url, NODE_ENV: "production" },
      timeoutMs,
      onLine(line, from) {
        const message = from === "stdout" && line.startsWith('{"affexai":') ? Message.parse(JSON.parse(line)) : null;
        if (message === null) progress.note(line);
        else if (message.affexai === "reached") steps = steps.then(() => take(message));
        else if (!stopped) failures.push(failedScript(message));
      },
    });
    await steps;
  } catch (error) {
    await steps;
    if (!stopped) failures.push(error);
  }
  if (failures.length > 0) throw failures[0];
  return stopped ? "stopped" : "finished";
}

const Message = Reached.or(Failed);

function failedScript({ message, code, kind }: Failed): OperationError {
  return new OperationError(kind, {
    where: "the rehearsal of the migrations",
    what: `${message.replace(/\.?$/, ".")}${code === null ? "" : ` (SQLSTATE ${code})`}`,
    next: "Correct the image and build it again; nothing but scratch databases was touched.",
  });
}
