import { askBackend } from "./backend.ts";

export type BackendState = "up" | "down" | "unknown";

const freshMilliseconds = 2_000;
let known: BackendState = "unknown";
let askedAt = Number.NEGATIVE_INFINITY;

/** What the backend answered last, at once; a stale answer is renewed in the background, because a probe must not wait for it. */
export function backendState(): BackendState {
  if (performance.now() - askedAt > freshMilliseconds) {
    askedAt = performance.now();
    askBackend("/health").then(
      (response) => (known = response.ok ? "up" : "down"),
      () => (known = "down"),
    );
  }
  return known;
}
