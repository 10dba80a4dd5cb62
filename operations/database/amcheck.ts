import { onDatabase, type DatabaseAccess } from "./access.ts";
import { withConnection } from "./connection.ts";
import { OperationError } from "../error.ts";

/**
 * Reads every page of every table and B-tree with PostgreSQL's amcheck, and returns what is broken, a phrase each. The extension is made
 * in a transaction that is rolled back: left in the database it would be in every dump, and only a superuser could restore that.
 * `admin` is a superuser's access to any database of the server.
 */
export async function checkPages(admin: DatabaseAccess, database: string, applicationName: string): Promise<string[]> {
  return withConnection(onDatabase(admin, database), { applicationName }, async (client) => {
    const { rows: available } = await client.query(
      `SELECT 1 FROM pg_available_extensions, pg_roles WHERE name = 'amcheck' AND rolname = current_user AND rolsuper`,
    );
    if (available.length === 0) {
      throw new OperationError("refused", {
        where: "amcheck",
        what: `${admin.user} is not a superuser, or the server does not have the extension amcheck.`,
        next: "Give ADMIN_DATABASE_URL of the server's administrator and install PostgreSQL's contrib modules, or leave out --amcheck.",
      });
    }
    await client.query("BEGIN");
    await client.query("CREATE SCHEMA affexai_amcheck");
    const { rows: installed } = await client.query<{ schema: string }>(
      `SELECT quote_ident(nspname) AS schema FROM pg_extension JOIN pg_namespace n ON n.oid = extnamespace WHERE extname = 'amcheck'`,
    );
    if (installed.length === 0) await client.query("CREATE EXTENSION amcheck SCHEMA affexai_amcheck");
    const schema = installed[0]?.schema ?? "affexai_amcheck";
    const { rows: relations } = await client.query<{ name: string; oid: number; kind: "heap" | "index" }>(
      `SELECT c.oid::regclass::text AS name, c.oid::int8::float8 AS oid, CASE c.relkind WHEN 'i' THEN 'index' ELSE 'heap' END AS kind
         FROM pg_class c LEFT JOIN pg_index i ON i.indexrelid = c.oid LEFT JOIN pg_am a ON a.oid = c.relam
        WHERE c.relpersistence = 'p' AND (c.relkind IN ('r', 't', 'm') OR c.relkind = 'i' AND a.amname = 'btree' AND i.indisvalid)
        ORDER BY 3, 1`,
    );
    const broken: string[] = [];
    for (const { name, oid, kind } of relations) {
      const text =
        kind === "heap"
          ? `SELECT format('%s, block %s: %s', $1::oid::regclass, blkno, msg) AS text FROM ${schema}.verify_heapam($1::oid::regclass) LIMIT 3`
          : `SELECT NULL AS text FROM ${schema}.bt_index_check($1::oid::regclass, true)`;
      await client.query("SAVEPOINT one");
      try {
        const { rows } = await client.query<{ text: string | null }>(text, [oid]);
        broken.push(...rows.flatMap(({ text: found }) => (found === null ? [] : [found])));
      } catch (error) {
        broken.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
        await client.query("ROLLBACK TO one");
      }
    }
    await client.query("ROLLBACK");
    return broken;
  });
}
