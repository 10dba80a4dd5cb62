import { cookies } from "next/headers";
import { askBackend, sessionCookie, sessionToken } from "../../../lib/backend.ts";
import { seeOther } from "../../../lib/see-other.ts";

export async function POST(): Promise<Response> {
  const token = await sessionToken();
  if (token !== undefined) await askBackend("/api/auth/logout", { method: "POST", token });
  (await cookies()).delete(sessionCookie);
  return seeOther("/");
}
