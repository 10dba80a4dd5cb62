// Runs inside an application's image like migration-runner.mjs, on a scratch database: every pending migration up, down and up again.
// After each step it waits at a gate, an advisory lock, while whoever started it looks at the database.
import { connected } from "./connection.mjs";
import { nameOf } from "./data-source.mjs";
import { Refusal, codeOf, job, say, sayFailed } from "./protocol.mjs";
import { traced } from "./trace.mjs";

try {
  // No limits: how long a statement takes is the question.
  await connected({ lock_timeout: "0", statement_timeout: "0" }, (dataSource) => roomy(dataSource), rehearse);
  process.exit(0);
} catch (error) {
  await sayFailed(error);
  process.exit(1);
}

/** One session for the migration, one that observes, one to spare. */
function roomy(dataSource) {
  dataSource.setOptions({ poolSize: 4, extra: { ...dataSource.options.extra, max: 4 } });
}

async function rehearse(dataSource) {
  const observer = dataSource.createQueryRunner();
  const observe = observer.query.bind(observer);
  await checkTarget(observe);
  const executed = await executedNames(observe);
  let gates = 0;
  const gate = async (reached) => {
    gates += 1;
    await say("reached", { gate: gates, ...reached });
    await observe("SELECT pg_advisory_lock_shared($1, $2)", [job.gateKey, gates]);
  };
  const all = [...dataSource.migrations].sort((one, other) => timestampOf(one) - timestampOf(other));
  const known = all.filter((migration) => executed.includes(nameOf(migration)));
  for (const migration of all.filter((one) => !known.includes(one))) {
    known.push(migration);
    // TypeORM runs whatever it knows and the database does not.
    Object.assign(dataSource, { migrations: [...known] });
    if (job.plain.includes(nameOf(migration))) await up(dataSource);
    else if (!(await roundTrip(dataSource, migration, { observe, gate }))) break;
  }
}

/** Whether the migration itself ran; the way back may have failed. */
async function roundTrip(dataSource, migration, { observe, gate }) {
  const name = nameOf(migration);
  const attempt = async (step, work) => {
    const began = performance.now();
    const outcome = await work().then(
      (statements) => ({ ms: Math.round(performance.now() - began), statements: statements ?? [] }),
      (error) => ({ failure: { message: String(error?.message ?? error), code: codeOf(error) } }),
    );
    await gate({ name, step, ...outcome });
    return outcome.failure === undefined;
  };
  await gate({ name, step: "before" });
  const original = migration.up;
  let statements = [];
  migration.up = async (runner) => {
    statements = await traced(runner, observe, (watched) => original.call(migration, watched));
  };
  const ran = await attempt("up", async () => {
    await up(dataSource);
    return statements;
  });
  migration.up = original;
  if (!ran) return false;
  if (!job.roundTrip.includes(name)) return true;
  // TypeORM wraps every revert, also of a migration that cannot run in a transaction (typeorm/typeorm#9981).
  const transaction = migration.transaction === false ? "none" : "each";
  if (await attempt("down", () => dataSource.undoLastMigration({ transaction })))
    await attempt("up-again", () => up(dataSource).then(() => undefined));
  return true;
}

async function up(dataSource) {
  const { migrationsTransactionMode: mode } = dataSource.options;
  await dataSource.runMigrations({ transaction: mode === "none" ? "none" : "each" });
}

/** A data source may have ideas of its own about where its database is. */
async function checkTarget(query) {
  const [row] = await query('SELECT current_database() AS database, current_user AS "user"');
  if (row.database !== job.database || row.user !== job.user)
    throw new Refusal(
      `the data source connects to ${row.database} as ${row.user}, not to ${job.database} as ${job.user}`,
    );
}

async function executedNames(query) {
  const table = `public."${job.historyTable}"`;
  const [{ found }] = await query("SELECT to_regclass($1) IS NOT NULL AS found", [table]);
  return found ? (await query(`SELECT name FROM ${table}`)).map(({ name }) => name) : [];
}

function timestampOf(migration) {
  return Number(nameOf(migration).slice(-13));
}
