import { OperationError } from "../error.ts";
import type { Context } from "../verb.ts";
import type { Trouble } from "./tunnel.ts";

/** The server behind the tunnel. A database of another name, for drills or rehearsals, is where it was said to be. */
const behind = ["DATABASE_URL", "BACKUP_DATABASE_URL", "ADMIN_DATABASE_URL"];

/**
 * Runs `work` where the databases of its environment answer. Without DATABASE_SSH that is here. With it, each URL of the live server is
 * rewritten to a port of 127.0.0.1 from which a tunnel leads to the same server; its name stays, because TLS is checked against it.
 * A database connection that failed because of the tunnel says so. Throws an OperationError (usage) when DATABASE_SSH or its key is
 * wrong, before anything was touched.
 */
export async function throughTunnel<T>(context: Context, work: (context: Context) => Promise<T>): Promise<T> {
  const urls = Object.entries(context.env).flatMap(([name, value]) =>
    behind.includes(name) && value !== undefined && URL.canParse(value) ? [{ name, url: new URL(value) }] : [],
  );
  if ((context.env.DATABASE_SSH ?? "") === "" || urls.length === 0) return work(context);
  // Loaded on demand: most verbs run where the database answers.
  const [{ sshTarget }, { Tunnel }] = await Promise.all([import("./ssh-target.ts"), import("./tunnel.ts")]);
  const tunnel = new Tunnel(sshTarget(context.env), (text) => context.progress.note(text));
  try {
    const rewritten: Record<string, string> = {};
    const ports = new Map<string, number>();
    for (const { name, url } of urls) {
      const host = url.searchParams.get("hostaddr") ?? url.hostname.replace(/^\[|\]$/g, "");
      const port = url.port === "" ? 5432 : Number(url.port);
      const destination = `${host} ${port}`;
      const local = ports.get(destination) ?? (await tunnel.listen({ host, port }));
      ports.set(destination, local);
      url.port = `${local}`;
      url.searchParams.set("hostaddr", "127.0.0.1");
      rewritten[name] = url.href;
    }
    const env = Object.entries(context.env).filter(([name]) => !name.startsWith("DATABASE_SSH"));
    return await work({ ...context, env: { ...Object.fromEntries(env), ...rewritten } });
  } catch (error) {
    throw explained(error, tunnel.trouble);
  } finally {
    await tunnel.close();
  }
}

/** A failure with the tunnel's trouble beside it. What is only said to be unreachable is what the trouble is: refused, perhaps. */
function explained(error: unknown, trouble: Trouble | undefined): unknown {
  if (trouble === undefined || !(error instanceof OperationError)) return error;
  const { kind, text } = error.kind === "unreachable" ? trouble.error : error;
  const reason = `${trouble.error.text.where}: ${trouble.error.text.what}`;
  return new OperationError(
    kind,
    {
      where: error.text.where,
      what: `${error.text.what} The tunnel to it failed at ${trouble.at.toISOString()}: ${reason}`,
      next: text.next,
    },
    { cause: error },
  );
}
