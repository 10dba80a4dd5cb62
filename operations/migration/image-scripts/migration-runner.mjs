// Runs inside an application's image, from stdin (`node --input-type=module -`), in the image's working directory, with the modules beside
// it packed in. It may use nothing but Node and the TypeORM that the data source itself loads. The database's URL comes in DATABASE_URL.
import { connected } from "./connection.mjs";
import { nameOf } from "./data-source.mjs";
import { describe } from "./describe.mjs";
import { entityDifferences } from "./entity-differences.mjs";
import { guard } from "./guard.mjs";
import { Refusal, job, say, sayFailed } from "./protocol.mjs";

try {
  await { describe, run, revert }[job.command]();
  process.exit(0);
} catch (error) {
  await sayFailed(error, error instanceof Refusal ? null : String(error?.stack ?? "").slice(0, 4000));
  process.exit(1);
}

/** Runs the pending migrations. Says each step; commits nothing that breaks what the job protects. */
async function run() {
  await guarded(async (dataSource) => {
    const executed = await history(dataSource);
    const pending = dataSource.migrations.filter((migration) => !executed.includes(nameOf(migration)));
    const mode = pending.some((migration) => migration.transaction !== undefined)
      ? "each"
      : (dataSource.options.migrationsTransactionMode ?? "all");
    await say("pending", { names: pending.map(nameOf), mode });
    for (const migration of pending) announce(migration);
    await dataSource.runMigrations({ transaction: mode });
    await say("compared", { differences: await entityDifferences(dataSource) });
  });
}

/** Reverts the named migrations, newest first. Each must be the last one executed. */
async function revert() {
  await guarded(async (dataSource) => {
    for (const name of job.names) {
      const last = (await history(dataSource)).at(-1);
      if (last !== name) throw new Refusal(`the last migration is ${last ?? "none"}, not ${name}`);
      const migration = dataSource.migrations.find((one) => nameOf(one) === name);
      await say("started", { name });
      // TypeORM wraps every revert, also of a migration that cannot run in a transaction (typeorm/typeorm#9981).
      await dataSource.undoLastMigration({ transaction: migration.transaction === false ? "none" : "each" });
      await say("finished-one", { name });
    }
  });
}

function guarded(work) {
  const settings = {
    lock_timeout: `${job.lockTimeoutMs}ms`,
    statement_timeout: `${job.statementTimeoutMs}ms`,
    idle_in_transaction_session_timeout: `${job.statementTimeoutMs}ms`,
  };
  return connected(settings, guard, work);
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
