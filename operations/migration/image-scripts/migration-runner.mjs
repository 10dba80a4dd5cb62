// Runs inside an application's image, from stdin (`node --input-type=module -`), in the image's working directory. It may use nothing
// but Node and the TypeORM that the data source itself loads. The job comes in AFFEXAI_JOB, the database's URL in DATABASE_URL.
// Answers are JSON lines on stdout, each with the key `affexai`; everything else on stdout is the application's own talk.
import { createHash } from "node:crypto";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const job = JSON.parse(process.env.AFFEXAI_JOB);
const write = process.stdout.write.bind(process.stdout);
const say = (affexai, values = {}) =>
  new Promise((done) => write(`${JSON.stringify({ affexai, ...values })}\n`, () => done()));
// Libraries that greet people on stdout must not break the protocol.
process.stdout.write = process.stderr.write.bind(process.stderr);

class Refusal extends Error {}

try {
  await { describe, run, revert }[job.command]();
  process.exit(0);
} catch (error) {
  const cause = error?.driverError ?? error;
  await say("failed", {
    message: String(error?.message ?? error),
    code: typeof cause?.code === "string" ? cause.code : null,
    kind: error instanceof Refusal ? "refused" : "failed",
    stack: error instanceof Refusal ? null : String(error?.stack ?? "").slice(0, 4000),
  });
  process.exit(1);
}

/** What the release record needs, without a database. */
async function describe() {
  const dataSource = await loadDataSource();
  const { synchronize, dropSchema, migrationsRun, migrationsTableName, migrationsTransactionMode } = dataSource.options;
  await dataSource.buildMetadatas();
  await say("described", {
    // As TypeORM takes them: any truthy value is a yes, the string "false" too.
    typeorm: {
      synchronize: Boolean(synchronize),
      dropSchema: Boolean(dropSchema),
      migrationsRun: Boolean(migrationsRun),
    },
    historyTable: migrationsTableName ?? "migrations",
    transactionMode: migrationsTransactionMode ?? "all",
    migrations: await inOrder(dataSource.migrations, (migration) => describeMigration(dataSource, migration)),
    contract: describeContract(dataSource),
  });
}

async function describeMigration(dataSource, migration) {
  const up = await record(dataSource, (runner) => migration.up(runner));
  const down =
    typeof migration.down === "function"
      ? await record(dataSource, (runner) => migration.down(runner))
      : { statements: [], problem: null };
  return {
    name: nameOf(migration),
    sha256: sourceHash(migration),
    statements: up.statements,
    /** Why `statements` may not be all: null when they are. */
    incomplete: up.problem,
    hasDown: down.statements.length > 0,
    transaction: migration.transaction !== false,
  };
}

/** Lets a migration run against a query runner that writes down what it is asked and answers every question with no rows. */
async function record(dataSource, work) {
  const statements = [];
  let problem = null;
  const runner = dataSource.createQueryRunner();
  runner.connect = async () => ({});
  runner.release = async () => {};
  runner.query = async (sql) => {
    const text = String(sql).trim();
    if (/^(START TRANSACTION|BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE SAVEPOINT)\b/i.test(text)) return [];
    if (/^(SELECT|SHOW|WITH)\b/i.test(text) && !/\b(INSERT|UPDATE|DELETE|MERGE|INTO)\b/i.test(text)) {
      // Questions of TypeORM's own builders; a function that changes something is the caller's statement.
      if (/\bpg_catalog\b|\binformation_schema\b|\bcurrent_schema\b|\bpg_class\b/i.test(text)) return [];
      problem ??= "it reads data, and what it does may depend on the answer";
    }
    statements.push(text);
    return [];
  };
  try {
    await work(runner);
  } catch (error) {
    problem = `it could not be recorded to its end: ${String(error?.message ?? error)}`;
  }
  return { statements, problem };
}

/** Tables and columns as the entities map them, types as format_type prints them. */
function describeContract(dataSource) {
  const contract = {};
  const { driver } = dataSource;
  for (const metadata of dataSource.entityMetadatas) {
    if (metadata.tableType === "view") continue;
    const schema = metadata.schema ?? "public";
    const table = schema === "public" ? metadata.tableName : `${schema}.${metadata.tableName}`;
    const columns = (contract[table] ??= { columns: {} }).columns;
    for (const column of metadata.columns) {
      if (column.isVirtualProperty) continue;
      const isEnum = column.type === "enum" || column.type === "simple-enum";
      columns[column.databaseName] = {
        type: isEnum ? `enum${column.isArray ? "[]" : ""}` : formatType(driver, column),
        nullable: column.isNullable,
        insertable: column.isInsert && column.generatedType === undefined,
        ...(isEnum && Array.isArray(column.enum) ? { enumLabels: column.enum.map(String) } : {}),
      };
    }
  }
  return contract;
}

function formatType(driver, column) {
  const type = driver.normalizeType(column);
  const length = driver.getColumnLength(column);
  const { precision, scale } = column;
  let full = type;
  if (length && /^(character|character varying|bit|bit varying)$/.test(type)) full = `${type}(${length})`;
  else if (type === "numeric" && precision != null) full = `numeric(${precision},${scale ?? 0})`;
  else if (precision != null && /^(time|timestamp) (with|without) time zone$/.test(type))
    full = type.replace(/^(\w+) /, `$1(${precision}) `);
  return column.isArray ? `${full}[]` : full;
}

/** Runs the pending migrations. Says each step; commits nothing that breaks what the job protects. */
async function run() {
  await connected(async (dataSource) => {
    checkSources(dataSource);
    const executed = await history(dataSource);
    const pending = dataSource.migrations.filter((migration) => !executed.includes(nameOf(migration)));
    const mode = pending.some((migration) => migration.transaction !== undefined)
      ? "each"
      : (dataSource.options.migrationsTransactionMode ?? "all");
    await say("pending", { names: pending.map(nameOf), mode });
    for (const migration of pending) announce(migration);
    await dataSource.runMigrations({ transaction: mode });
    await say("finished", { applied: pending.map(nameOf) });
  });
}

/** Reverts the named migrations, newest first. Each must be the last one executed. */
async function revert() {
  await connected(async (dataSource) => {
    checkSources(dataSource);
    const reverted = [];
    for (const name of job.names) {
      const last = (await history(dataSource)).at(-1);
      if (last !== name) throw new Refusal(`the last migration is ${last ?? "none"}, not ${name}`);
      const migration = dataSource.migrations.find((one) => nameOf(one) === name);
      await say("started", { name });
      // TypeORM wraps every revert, also of a migration that cannot run in a transaction (typeorm/typeorm#9981).
      await dataSource.undoLastMigration({ transaction: migration.transaction === false ? "none" : "each" });
      reverted.push(name);
      await say("finished-one", { name });
    }
    await say("finished", { reverted });
  });
}

async function connected(work) {
  const dataSource = await loadDataSource();
  dataSource.setOptions({
    ...Object.fromEntries(
      ["host", "port", "username", "password", "ssl", "replication", "schema"].map((key) => [key, undefined]),
    ),
    ...(dataSource.options.schema === undefined ? {} : { schema: dataSource.options.schema }),
    url: process.env.DATABASE_URL,
    database: job.database,
    synchronize: false,
    migrationsRun: false,
    dropSchema: false,
    subscribers: [],
    logging: false,
    applicationName: job.applicationName,
    extra: {
      ...dataSource.options.extra,
      application_name: job.applicationName,
      options: Object.entries({
        lock_timeout: `${job.lockTimeoutMs}ms`,
        statement_timeout: `${job.statementTimeoutMs}ms`,
        idle_in_transaction_session_timeout: `${job.statementTimeoutMs}ms`,
        default_transaction_read_only: "off",
      })
        .map(([name, value]) => `-c ${name}=${value}`)
        .join(" "),
    },
  });
  const historyTable = dataSource.options.migrationsTableName ?? "migrations";
  if (historyTable !== job.historyTable)
    throw new Refusal(`the image keeps its history in ${historyTable}, not in ${job.historyTable}`);
  guard(dataSource);
  await dataSource.initialize();
  try {
    await work(dataSource);
  } finally {
    await dataSource.destroy();
  }
}

/** Watches what goes to the database: the run that started this must be alive, and what it protects must hold at every commit. */
function guard(dataSource) {
  const create = dataSource.createQueryRunner.bind(dataSource);
  dataSource.createQueryRunner = (...mode) => {
    const runner = create(...mode);
    const query = runner.query.bind(runner);
    let checked = false;
    let before = null;
    runner.query = async (sql, ...rest) => {
      if (!checked) {
        checked = true;
        await checkTarget(query);
      }
      if (/^\s*(START TRANSACTION|BEGIN)\b/i.test(sql)) {
        const result = await query(sql, ...rest);
        before = await measure(query, true);
        return result;
      }
      if (/^\s*COMMIT\b/i.test(sql) && before !== null) {
        await checkTarget(query);
        await compare(query, before);
        before = null;
      }
      return query(sql, ...rest);
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

function announce(migration) {
  const up = migration.up.bind(migration);
  migration.up = async (runner) => {
    await say("started", { name: nameOf(migration) });
    await up(runner);
    await say("finished-one", { name: nameOf(migration) });
  };
}

async function history(dataSource) {
  const runner = dataSource.createQueryRunner();
  try {
    if (!(await runner.hasTable(job.historyTable))) return [];
    return (await runner.query(`SELECT name FROM "${job.historyTable}" ORDER BY id`)).map(({ name }) => name);
  } finally {
    await runner.release();
  }
}

/** The image must hold exactly the migrations that its release record was made from. */
function checkSources(dataSource) {
  const found = new Map(dataSource.migrations.map((migration) => [nameOf(migration), sourceHash(migration)]));
  const differences = [
    ...job.expected.filter(({ name }) => !found.has(name)).map(({ name }) => `${name} is missing in the image`),
    ...job.expected
      .filter(({ name, sha256 }) => found.has(name) && found.get(name) !== sha256)
      .map(({ name }) => `${name} is another one in the image`),
    ...[...found.keys()]
      .filter((name) => !job.expected.some((one) => one.name === name))
      .map((name) => `${name} is not in the record`),
  ];
  if (differences.length > 0) throw new Refusal(`the image and its release record differ: ${differences.join("; ")}`);
}

function nameOf(migration) {
  return migration.name ?? migration.constructor.name;
}

/** Of the compiled class as Node holds it, wherever its file is: a bundle has the same as single files. */
function sourceHash(migration) {
  const parts = [migration.constructor, migration.up, migration.down].map(String);
  return createHash("sha256").update(parts.join("\n")).digest("hex");
}

async function loadDataSource() {
  const path = resolve(job.dataSource);
  const module = await import(pathToFileURL(path).href).catch((error) => {
    throw new Refusal(`${job.dataSource} could not be loaded: ${String(error?.message ?? error)}`);
  });
  const exported = [module, module.default, module.default?.default].flatMap((holder) =>
    holder === undefined || holder === null ? [] : [holder, ...Object.values(holder)],
  );
  const values = await Promise.all(exported.map(async (value) => value));
  const found = new Set(
    values.filter((value) => typeof value?.runMigrations === "function" && value.options !== undefined),
  );
  if (found.size !== 1)
    throw new Refusal(`${job.dataSource} exports ${found.size} TypeORM data sources instead of one`);
  const [dataSource] = found;
  if (dataSource.options.type !== "postgres")
    throw new Refusal(`${job.dataSource} is for ${dataSource.options.type}, not for postgres`);
  return dataSource;
}

async function inOrder(items, work) {
  const results = [];
  for (const item of [...items].sort((one, other) => Number(nameOf(one).slice(-13)) - Number(nameOf(other).slice(-13))))
    results.push(await work(item));
  return results;
}
