import type { LoginView } from "@affexai/shared-types";
import { cookies } from "next/headers";
import { askBackend, sessionCookie } from "../../lib/backend.ts";
import { seeOther } from "../../lib/see-other.ts";

export async function POST(request: Request): Promise<Response> {
  const form = await request.formData();
  const body = { email: form.get("email"), password: form.get("password") };
  const response = await askBackend("/api/auth/login", { method: "POST", body });
  if (!response.ok) return seeOther("/login?failed=1");
  const { token, expiresAt } = (await response.json()) as LoginView;
  (await cookies()).set(sessionCookie, token, {
    httpOnly: true,
    sameSite: "strict",
    // Secure wherever the browser came by TLS, which is everywhere but on a developer's machine and in the sandbox.
    secure: request.headers.get("x-forwarded-proto") === "https",
    expires: new Date(expiresAt),
  });
  return seeOther("/tickets");
}
