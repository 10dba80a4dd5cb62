import { sessionToken } from "../../lib/backend.ts";

export const dynamic = "force-dynamic";

interface Properties {
  searchParams: Promise<{ failed?: string }>;
}

export default async function Login({ searchParams }: Properties) {
  const { failed } = await searchParams;
  if ((await sessionToken()) !== undefined) {
    return (
      <form method="post" action="/session/end">
        <button>Log out</button>
      </form>
    );
  }
  return (
    <>
      <h1>Log in</h1>
      {failed !== undefined && <p role="alert">E-mail or password is wrong.</p>}
      <form method="post" action="/session">
        <input name="email" type="email" placeholder="E-mail" required />
        <input name="password" type="password" placeholder="Password" required />
        <button>Log in</button>
      </form>
    </>
  );
}
