import { currentDrain } from "@affexai/lifecycle";
import { backendState } from "../../lib/backend-state.ts";

export const dynamic = "force-dynamic";

/** Ready unless draining. Reports the backend but does not depend on it: one outage must not take both out. */
export function GET(): Response {
  const phase = currentDrain()?.phase ?? "serving";
  const ready = phase === "serving" || phase === "leaving";
  return Response.json(
    { status: ready ? "ok" : "error", phase, backend: backendState() },
    { status: ready ? 200 : 503, headers: { "Cache-Control": "no-store" } },
  );
}
