import { OperationError } from "../error.ts";

/** How a command is run inside an image: by a Docker engine, or by this machine's Node in the image's unpacked files. */
export type ImageRuntime = "docker" | "unpacked";

/** The name under which a run's container or process is found again. */
export function runTitle(runId: string): string {
  return `affexai-run-${runId}`;
}

/** Refuses an id that could not name a container or would be read as something else. */
export function checkRunId(runId: string): void {
  if (/^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/.test(runId)) return;
  throw new OperationError("refused", {
    where: `run ${runId}`,
    what: "is not a name for a run.",
    next: "Use letters, digits, `_`, `.` and `-`, at most 63, and begin with a letter or digit.",
  });
}
