/** Where a verb reports what it is doing. People see it as a live tree or as plain lines; nothing of it reaches stdout. */
export interface Progress {
  /** Runs `work` as a named step. The step is shown while it runs, with its elapsed time, and as done or failed after it. */
  step<T>(title: string, work: (progress: Progress) => Promise<T>): Promise<T>;
  /** One line about the current step: the last thing seen while waiting, a figure, a warning. Never a secret. */
  note(text: string): void;
}

/** Reports nothing: for `--json` and for tests. */
export const silent: Progress = {
  step: (_title, work) => work(silent),
  note: () => undefined,
};
