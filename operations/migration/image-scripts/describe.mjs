// What a release record needs of an image, without a database.
import { loadDataSource, nameOf, sourceHash } from "./data-source.mjs";
import { Refusal, say } from "./protocol.mjs";
import { asks, asksCatalog } from "./questions.mjs";

export async function describe() {
  const dataSource = await loadDataSource();
  const { synchronize, dropSchema, migrationsRun, migrationsTableName, migrationsTransactionMode } = dataSource.options;
  const mode = migrationsTransactionMode ?? "all";
  await dataSource.buildMetadatas();
  await say("described", {
    // As TypeORM takes them: any truthy value is a yes, the string "false" too.
    typeorm: {
      synchronize: Boolean(synchronize),
      dropSchema: Boolean(dropSchema),
      migrationsRun: Boolean(migrationsRun),
    },
    historyTable: migrationsTableName ?? "migrations",
    transactionMode: mode,
    migrations: await inOrder(dataSource.migrations, (migration) => describeMigration(dataSource, migration, mode)),
    contract: describeContract(dataSource),
  });
}

async function describeMigration(dataSource, migration, mode) {
  const expects = expectations(migration);
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
    transaction: migration.transaction !== false && mode !== "none",
    expects,
  };
}

/** `static readonly affexai = { deletes: { audit: 10 }, updates: { users: ["email"] }, remains: ["DROP INDEX …"] }`. */
function expectations(migration) {
  const { affexai = {} } = migration.constructor;
  const isRecord = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
  const areStrings = (value) => Array.isArray(value) && value.every((one) => typeof one === "string");
  const shapes = {
    deletes: [
      "how many rows may go, by table",
      (value) => isRecord(value) && Object.values(value).every((rows) => Number.isSafeInteger(rows) && rows >= 0),
    ],
    updates: [
      "lists of columns, by table",
      (value) => isRecord(value) && Object.values(value).every((columns) => areStrings(columns)),
    ],
    remains: ["a list of SQL statements", areStrings],
  };
  if (!isRecord(affexai)) throw new Refusal(`the static property affexai of ${nameOf(migration)} is not an object`);
  const problems = Object.entries(affexai).flatMap(([key, value]) => {
    const [meaning, fits] = shapes[key] ?? [];
    if (meaning === undefined) return [`affexai.${key} is none of ${Object.keys(shapes).join(", ")}`];
    return fits(value) ? [] : [`affexai.${key} must be ${meaning}`];
  });
  if (problems.length > 0) throw new Refusal(`${nameOf(migration)}: ${problems.join("; ")}`);
  return affexai;
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
    // Questions of TypeORM's own builders; a function that changes something is the caller's statement.
    if (asksCatalog(text)) return [];
    if (asks(text)) {
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

async function inOrder(items, work) {
  const results = [];
  for (const item of [...items].sort((one, other) => Number(nameOf(one).slice(-13)) - Number(nameOf(other).slice(-13))))
    results.push(await work(item));
  return results;
}
