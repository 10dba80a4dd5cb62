/**
 * A request that the engine does not carry out, as Docker answers it: an HTTP status and `{"message": ...}`.
 * Statuses are those of the Docker Engine API reference 1.47: 304 nothing to do, 400 bad parameter, 404 not found, 409 conflict, 500 failed.
 */
export class DockerError extends Error {
  override readonly name = "DockerError";
  readonly status: number;

  constructor(status: number, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.status = status;
  }
}

/** 404 in Docker's words, which clients match on. */
export function notFound(kind: "container" | "image" | "network" | "exec instance", name: string): DockerError {
  return new DockerError(404, `No such ${kind}: ${name}`);
}

/** What the process runtime does not have. Docker itself would have done it, so this is never a silent success. */
export function notHere(what: string): DockerError {
  return new DockerError(501, `${what} is not supported by the process runtime.`);
}
