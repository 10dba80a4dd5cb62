// What single statements need besides the session's settings.
import { setTimeout as delay } from "node:timers/promises";
import { codeOf, job, say } from "./protocol.mjs";

const identifier = String.raw`(?:"(?:[^"]|"")+"|[\w$]+)`;
const qualifiedName = `${identifier}(?:\\s*\\.\\s*${identifier})?`;
const createConcurrently = new RegExp(
  String.raw`^CREATE\s+(?:UNIQUE\s+)?INDEX\s+CONCURRENTLY\s+(?:(?:IF\s+NOT\s+EXISTS\s+)?(${identifier})\s+)?ON\s+(?:ONLY\s+)?(${qualifiedName})`,
  "i",
);

/**
 * Runs a statement outside a transaction, where it is a transaction of its own: again, when somebody's lock was in the way. What an
 * index built CONCURRENTLY leaves behind when it fails (an invalid index, which every write maintains and no query uses, and which
 * IF NOT EXISTS would take for the index) is dropped at once, and so is what an earlier run left.
 */
export async function runAlone(query, sql, run, checkTarget) {
  const text = withoutComments(sql);
  const index = createConcurrently.exec(text);
  const table = index?.[2];
  const ending = /^REINDEX\b.*\bCONCURRENTLY\b/is.test(text) ? "_cc(new|old)[0-9]*$" : "";
  for (let attempt = 1; ; attempt += 1) {
    if (index?.[1] !== undefined) await dropInvalid(query, await invalidIndexes(query, { table, name: index[1] }));
    const leaves = table !== undefined || ending !== "";
    const known = leaves ? await invalidIndexes(query, { table, ending }) : [];
    try {
      return await withoutLimits(query, text, { inTransaction: false }, run);
    } catch (error) {
      if (leaves) {
        const left = await invalidIndexes(query, { table, ending });
        await dropInvalid(
          query,
          left.filter((name) => !known.includes(name)),
        );
      }
      const { codes, attempts, firstPauseMs } = job.retries;
      if (!codes.includes(codeOf(error)) || attempt === attempts) throw error;
      const pauseMs = firstPauseMs * 2 ** (attempt - 1);
      await say("again", { message: String(error.message), statement: text.slice(0, 200), pauseMs });
      await delay(pauseMs);
      await checkTarget();
    }
  }
}

/**
 * Without the limits that do harm: an index build and a validation take as long as the table is large and hold up neither reads nor
 * writes. CONCURRENTLY also waits for every older transaction, and nobody queues behind that wait. A limit that the migration itself has
 * set stays, and so does the one of the whole run.
 */
export async function withoutLimits(query, sql, { inTransaction }, run) {
  const text = withoutComments(sql);
  const concurrently = !inTransaction && /^(CREATE|DROP|REINDEX|ALTER)\b[^']*?\bCONCURRENTLY\b/is.test(text);
  const validates = /^ALTER\s+(TABLE|DOMAIN)\b.*\bVALIDATE\s+CONSTRAINT\b/is.test(text);
  if (!concurrently && !validates) return run();
  const limits = { statement_timeout: job.statementTimeoutMs };
  if (concurrently) limits.lock_timeout = job.lockTimeoutMs;
  const isOurs = ({ name, setting }) => Number(setting) === Math.round(limits[name]);
  return lifted(query, { names: Object.keys(limits), inTransaction, which: isOurs }, run);
}

async function lifted(query, { names, inTransaction, which }, run) {
  const set = (name, value) => query("SELECT set_config($1, $2, $3)", [name, String(value), inTransaction]);
  const settings = (await query("SELECT name, setting FROM pg_settings WHERE name = ANY($1)", [names])).filter(which);
  for (const { name } of settings) await set(name, 0);
  const restore = async () => {
    for (const { name, setting } of settings) await set(name, setting);
  };
  try {
    const result = await run();
    await restore();
    return result;
  } catch (error) {
    // In a transaction that failed nothing can be set, and its end takes the settings back.
    if (!inTransaction) await restore().catch(() => undefined);
    throw error;
  }
}

function withoutComments(sql) {
  return String(sql).replace(/^(\s|--[^\n]*(\n|$)|\/\*.*?\*\/)+/s, "");
}

/** Qualified names of invalid indexes that nobody is building: of a table, of a name, or with a name that ends in a pattern. */
async function invalidIndexes(query, { table = null, name = null, ending = "" }) {
  const plain =
    name === null ? null : name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name.toLowerCase();
  const rows = await query(
    `SELECT format('%I.%I', n.nspname, c.relname) AS name FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
       JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE NOT i.indisvalid AND c.relkind = 'i' AND ($1::text IS NULL OR i.indrelid = to_regclass($1)) AND c.relname ~ $3
        AND ($2::text IS NULL OR c.relname = $2)
        AND NOT EXISTS (SELECT FROM pg_stat_progress_create_index p WHERE p.index_relid = i.indexrelid AND p.pid <> pg_backend_pid())`,
    [table, plain, ending],
  );
  return rows.map((row) => row.name);
}

async function dropInvalid(query, names) {
  for (const name of names) {
    const names = ["statement_timeout", "lock_timeout"];
    await lifted(query, { names, inTransaction: false, which: () => true }, () =>
      query(`DROP INDEX CONCURRENTLY IF EXISTS ${name}`),
    );
    await say("dropped", { index: name });
  }
}
