import type { Progress } from "../progress.ts";
import { redactor } from "../redact.ts";
import type { Context } from "../verb.ts";

/** One JSON object a line: `{level, at, message, ...fields}`, with every secret of the environment blanked out. */
export interface Log {
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
  /** What a job reports while it runs. */
  progress(job: string): Progress;
}

export function jsonLog(env: Context["env"], write: (line: string) => void): Log {
  const redact = redactor(env);
  const line = (level: string, message: string, fields: object = {}) =>
    write(redact(JSON.stringify({ level, at: new Date().toISOString(), message, ...fields })));
  const log: Log = {
    info: (message, fields) => line("info", message, fields),
    error: (message, fields) => line("error", message, fields),
    progress(job) {
      const progress: Progress = {
        step(title, work) {
          log.info(title, { job });
          return work(progress);
        },
        note: (text) => log.info(text, { job }),
      };
      return progress;
    },
  };
  return log;
}
