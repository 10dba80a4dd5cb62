import { askBackend, sessionToken } from "../../../lib/backend.ts";

/** A token for the chat, for whoever is logged in here. */
export async function POST(): Promise<Response> {
  const token = await sessionToken();
  if (token === undefined) return new Response(null, { status: 401 });
  const response = await askBackend("/api/auth/chat-token", { method: "POST", token });
  if (!response.ok) return new Response(null, { status: response.status });
  return Response.json(await response.json(), { headers: { "Cache-Control": "no-store" } });
}
