/** Sends a form's sender on, by a relative address: behind a proxy this server does not know its own name. */
export function seeOther(path: string): Response {
  return new Response(null, { status: 303, headers: { Location: path } });
}
