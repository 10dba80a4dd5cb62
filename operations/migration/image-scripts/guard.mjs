// Stands between a migration and its database: the run that started this must be alive, what it protects must hold at every commit,
// and a statement outside a transaction is tried again when somebody's lock was in the way.
import { Refusal, job } from "./protocol.mjs";
import { runAlone, withoutLimits } from "./statements.mjs";

/** Wraps every query runner that the data source makes. */
export function guard(dataSource) {
  const create = dataSource.createQueryRunner.bind(dataSource);
  dataSource.createQueryRunner = (...mode) => {
    const runner = create(...mode);
    const query = runner.query.bind(runner);
    let checked = false;
    /** What was measured when the open transaction began; null outside of one. */
    let before = null;
    runner.query = async (sql, ...rest) => {
      const run = () => query(sql, ...rest);
      if (!checked) {
        checked = true;
        await checkTarget(query);
      }
      if (/^\s*(START TRANSACTION|BEGIN)\b/i.test(sql)) {
        const result = await run();
        before = await measure(query, true);
        return result;
      }
      if (before === null) return runAlone(query, sql, run, () => checkTarget(query));
      if (/^\s*COMMIT\b/i.test(sql)) {
        await checkTarget(query);
        await compare(query, before);
        before = null;
        return run();
      }
      if (/^\s*ROLLBACK\b(?!\s+TO\b)/i.test(sql)) {
        before = null;
        return run();
      }
      return withoutLimits(query, sql, { inTransaction: true }, run);
    };
    return runner;
  };
}

/** A run that was killed may leave this process behind: its next connection must do nothing. */
async function checkTarget(query) {
  // Inside a transaction, pg_stat_activity is what it was at the first look.
  await query("SELECT pg_stat_clear_snapshot()");
  const [row] = await query(
    `SELECT current_database() AS database, current_user AS "user",
            EXISTS (SELECT FROM pg_stat_activity WHERE application_name = $1) AS alive`,
    [job.lockName],
  );
  if (row.database !== job.database || row.user !== job.user)
    throw new Refusal(
      `the data source connects to ${row.database} as ${row.user}, not to ${job.database} as ${job.user}`,
    );
  if (!row.alive) throw new Refusal("the run that started this has ended");
}

/** What this session's statistics say of its open transaction, by table, and the content of what is protected. */
async function measure(query, lock) {
  const tables = new Map();
  for (const { table, ...figures } of await query(
    `SELECT format('%I.%I', schemaname, relname) AS table, pg_stat_get_xact_tuples_deleted(relid)::int AS deleted,
            pg_relation_size(relid) > 0 AS filled FROM pg_stat_user_tables`,
  ))
    tables.set(table, figures);
  const contents = {};
  for (const { table, columns } of job.protectedTables) {
    const [{ found }] = await query(
      `SELECT count(*)::int AS found FROM pg_attribute WHERE attrelid = to_regclass($1) AND NOT attisdropped AND attname = ANY($2)`,
      [table, columns],
    );
    if (found !== columns.length) continue;
    // Nobody else may write until the end of the transaction: the comparison is of this migration's own doing.
    if (lock) await query(`LOCK TABLE ${table} IN SHARE ROW EXCLUSIVE MODE`);
    const row = columns.map((column) => `"${column.replaceAll('"', '""')}"`).join(", ");
    const [content] = await query(
      `SELECT count(*)::text AS rows, COALESCE(sum(('x' || substr(md5(ROW(${row})::text), 1, 15))::bit(60)::bigint::numeric), 0)::text AS hash FROM ${table}`,
    );
    contents[table] = content;
  }
  return { tables, contents };
}

async function compare(query, before) {
  const after = await measure(query, false);
  const losses = [];
  for (const [table, { deleted, filled }] of after.tables) {
    if (table === `public.${job.historyTable}` || table === "public.typeorm_metadata") continue;
    const known = before.tables.get(table);
    const lost = deleted - (known?.deleted ?? 0);
    const allowed = job.allowedDeletes[table];
    if (lost > (allowed ?? 0)) losses.push(`${lost} rows of ${table} would be deleted, and ${allowed ?? 0} may be`);
    // TRUNCATE counts as no deletion; it leaves an empty file behind, which DELETE never does inside a transaction.
    if (known?.filled && !filled && allowed === undefined) losses.push(`${table} would be emptied`);
  }
  for (const [table, content] of Object.entries(before.contents)) {
    const now = after.contents[table];
    if (now === undefined) losses.push(`a protected column of ${table} would be gone`);
    else if (now.rows !== content.rows || now.hash !== content.hash)
      losses.push(`the protected content of ${table} would change`);
  }
  if (losses.length > 0) throw new Refusal(`not committed: ${losses.join("; ")}`);
}
