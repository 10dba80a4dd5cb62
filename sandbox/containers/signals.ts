import { constants } from "node:os";
import { DockerError } from "./docker-error.ts";

/** A signal as the API takes it, `SIGTERM`, `TERM` or `15`. Throws 400 for anything else. */
export function parseSignal(text: string): NodeJS.Signals {
  const byNumber = Object.entries(constants.signals).find(([, number]) => `${number}` === text)?.[0];
  const name = byNumber ?? (text.toUpperCase().startsWith("SIG") ? text.toUpperCase() : `SIG${text.toUpperCase()}`);
  if (!(name in constants.signals)) throw new DockerError(400, `invalid signal: ${text}`);
  return name as NodeJS.Signals;
}

export function signalNumber(name: NodeJS.Signals): number {
  return constants.signals[name];
}
