import { currentRelease } from "@affexai/lifecycle";

export const dynamic = "force-dynamic";

export function GET(): Response {
  return Response.json(currentRelease(), { headers: { "Cache-Control": "no-store" } });
}
