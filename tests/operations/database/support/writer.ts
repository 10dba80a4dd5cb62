import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { waitFor } from "../../../../operations/wait.ts";
import type { Environment } from "./platform.ts";

/** A process that writes to the table `written` all the time, as the application. */
export interface Writer {
  /** Numbers of the rows that were acknowledged. */
  readonly acknowledged: readonly number[];
  /** Waits until so many more rows were acknowledged. */
  goesOn(rows: number): Promise<void>;
  stop(): Promise<void>;
}

export function startWriter(place: Environment): Writer {
  const child = spawn(process.execPath, [new URL("./writer-child.ts", import.meta.url).pathname], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = once(child, "exit");
  child.stdin.end(place.appUrl);
  const acknowledged: number[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => acknowledged.push(Number(line)));
  return {
    acknowledged,
    async goesOn(rows) {
      const until = acknowledged.length + rows;
      await waitFor(
        {
          what: `${rows} more rows of the writer`,
          timeoutMs: 30_000,
          intervalMs: 10,
          next: "See why it cannot write.",
          look: () =>
            Promise.resolve(
              acknowledged.length >= until
                ? { done: true, value: undefined }
                : { done: false, seen: `${acknowledged.length}` },
            ),
        },
        place.context(),
      );
    },
    async stop() {
      child.kill();
      await ended;
    },
  };
}
