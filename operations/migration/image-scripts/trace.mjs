// Watches what each statement of a migration does to a scratch database: locks, rewritten files, rows, time.
import { setTimeout as delay } from "node:timers/promises";
import { codeOf, job } from "./protocol.mjs";
import { asksCatalog } from "./questions.mjs";

/** From the weakest to the strongest: postgresql.org/docs/15/explicit-locking.html. */
const modes = [
  "AccessShareLock",
  "RowShareLock",
  "RowExclusiveLock",
  "ShareUpdateExclusiveLock",
  "ShareLock",
  "ShareRowExclusiveLock",
  "ExclusiveLock",
  "AccessExclusiveLock",
];
const lookIntervalMs = 2;

/** Runs `work` with a query runner whose statements are traced; returns them in order. `observer` queries on another session. */
export async function traced(runner, observer, work) {
  const statements = [];
  const query = runner.query.bind(runner);
  const base = await relations(query);
  let known = base;
  let held = new Map();
  let opened = false;
  runner.query = async (sql, parameters, structured) => {
    const text = String(sql).trim();
    if (/^(START TRANSACTION|BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE SAVEPOINT)\b/i.test(text)) {
      if (!/\bSAVEPOINT\b|\bTO\b/i.test(text)) opened = /^(START|BEGIN)/i.test(text);
      held = new Map();
      return query(sql, parameters, structured);
    }
    if (asksCatalog(text)) return query(sql, parameters, structured);
    const inTransaction = runner.isTransactionActive || opened;
    if (!inTransaction) held = new Map();
    const began = performance.now();
    const {
      result,
      locks,
      ms = performance.now() - began,
    } = inTransaction ? await within(query, sql, parameters) : await alone(query, observer, sql, parameters);
    const now = await relations(query);
    statements.push({
      sql: text,
      ms: Math.round(ms * 10) / 10,
      locks: newLocks(base, held, locks),
      rewrites: rewrites(base, known, now),
      rows: Number.isInteger(result.affected) ? result.affected : null,
    });
    [known, held] = [now, locks];
    return structured ? result : result.raw;
  };
  try {
    await work(runner);
  } finally {
    runner.query = query;
  }
  return statements;
}

/** Locks are kept until the end of a transaction, so they are all there after the statement. */
async function within(query, sql, parameters) {
  const began = performance.now();
  const result = await query(sql, parameters, true);
  const ms = performance.now() - began;
  return { result, ms, locks: (await locksOf(query, "pg_backend_pid()")).held };
}

/** A statement outside a transaction is one by itself: the same in a block, where its locks can be seen, unless it refuses to be in one. */
async function alone(query, observer, sql, parameters) {
  await query("BEGIN");
  try {
    const outcome = await within(query, sql, parameters);
    await query("COMMIT");
    return outcome;
  } catch (error) {
    await query("ROLLBACK");
    if (codeOf(error) !== "25001") throw error;
    return observed(query, observer, sql, parameters);
  }
}

/**
 * CONCURRENTLY and the like let their locks go as they proceed, so another session looks meanwhile. It holds a snapshot and a weak lock on
 * every table: sooner or later the statement waits for one of them, and then its own locks are in place.
 */
async function observed(query, observer, sql, parameters) {
  const [{ pid }] = await query("SELECT pg_backend_pid() AS pid");
  await observer("BEGIN ISOLATION LEVEL REPEATABLE READ");
  for (const { name, kind } of (await relations(observer)).values())
    if (kind === "r" || kind === "p") await observer(`LOCK TABLE ONLY ${name} IN ACCESS SHARE MODE`);
  const began = performance.now();
  let ended = false;
  let waits = false;
  const running = query(sql, parameters, true).finally(() => (ended = true));
  // A failure surfaces where it is awaited.
  running.catch(() => undefined);
  const locks = new Map();
  let open = true;
  try {
    while (!ended) {
      const seen = await locksOf(observer, String(Number(pid)));
      for (const [oid, rank] of seen.held) locks.set(oid, Math.max(rank, locks.get(oid) ?? -1));
      waits ||= seen.waits;
      if (waits && open) {
        await observer("COMMIT");
        open = false;
      }
      await delay(lookIntervalMs);
    }
  } finally {
    if (open) await observer("COMMIT");
  }
  return { result: await running, ms: performance.now() - began, locks };
}

/** `held` by the session (or asked for): the rank of the strongest mode by the relation's oid. */
async function locksOf(query, pid) {
  const rows = await query(
    `SELECT relation::text AS oid, mode, granted FROM pg_locks
      WHERE pid = ${pid} AND (NOT granted OR locktype = 'relation')`,
  );
  const held = new Map();
  for (const { oid, mode } of rows) {
    const rank = modes.indexOf(mode);
    if (oid !== null && rank > (held.get(oid) ?? -1)) held.set(oid, rank);
  }
  return { held, waits: rows.some(({ granted }) => !granted) };
}

/** What is stronger than before, of what was there before the migration: nobody else waits for the rest. */
function newLocks(base, before, after) {
  const found = {};
  for (const [oid, rank] of after) {
    const relation = base.get(oid);
    if (relation !== undefined && rank > (before.get(oid) ?? -1)) found[relation.name] = modes[rank];
  }
  return found;
}

/** A relation of an older name with a file that is nobody's older one. An index may be made anew under its name, with another oid. */
function rewrites(base, before, after) {
  const files = new Set([...before.values()].map(({ file }) => file));
  const older = new Set([...base.values()].map(({ name }) => name));
  return [...after]
    .filter(([oid, { name, file }]) => file !== null && !files.has(file) && (base.has(oid) || older.has(name)))
    .map(([, { name }]) => name)
    .sort();
}

/** Tables and indexes by oid. */
async function relations(query) {
  const rows = await query(
    `SELECT c.oid::text AS oid, c.relkind AS kind, pg_relation_filenode(c.oid)::text AS file,
            CASE WHEN n.nspname = 'public' THEN quote_ident(c.relname) ELSE format('%I.%I', n.nspname, c.relname) END AS name
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND c.relkind IN ('r', 'p', 'm', 'i', 'I')
        AND c.relname <> ALL($1)`,
    [[job.historyTable, "typeorm_metadata"]],
  );
  return new Map(rows.map(({ oid, ...relation }) => [oid, relation]));
}
