import type { TicketView } from "@affexai/shared-types";
import { askBackend, sessionToken } from "../../../lib/backend.ts";
import { seeOther } from "../../../lib/see-other.ts";

export async function POST(request: Request): Promise<Response> {
  const form = await request.formData();
  const body = Object.fromEntries(["subject", "email", "body", "priority"].map((name) => [name, form.get(name)]));
  const response = await askBackend("/api/tickets", { method: "POST", body, token: await sessionToken() });
  if (!response.ok) return seeOther("/tickets?failed=1");
  const { id } = (await response.json()) as TicketView;
  return seeOther(`/tickets?created=${id}`);
}
