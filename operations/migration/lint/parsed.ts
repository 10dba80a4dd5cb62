import { parseSync, type Node } from "libpg-query";

/** The statements of one piece of SQL, none when PostgreSQL's grammar does not take it. `loadModule()` was called before. */
export function parsed(sql: string): Node[] {
  try {
    return (parseSync(sql).stmts ?? []).flatMap(({ stmt }) => (stmt === undefined ? [] : [stmt]));
  } catch {
    return [];
  }
}
