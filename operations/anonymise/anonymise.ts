import { randomBytes } from "node:crypto";
import pg from "pg";
import { BackupStore, backupStore, dumpLimitMs } from "../backup/backup-store.ts";
import { summary, type Manifest } from "../backup/manifest.ts";
import { dropDatabase, restoreBeside, seconds } from "../backup/restore-beside.ts";
import { assertRestorableOn } from "../backup/restore-preflight.ts";
import { anonymisingName } from "../backup/restored-names.ts";
import { takeBackup } from "../backup/take-backup.ts";
import { databaseAccess, onDatabase, type DatabaseAccess } from "../database/access.ts";
import { withConnection } from "../database/connection.ts";
import { operationsDatabase } from "../database/operations-database.ts";
import { makeStatistics } from "../database/statistics.ts";
import { OperationError } from "../error.ts";
import { objectStorage } from "../storage.ts";
import type { Context, Verb } from "../verb.ts";
import { readColumns, readReferences } from "./columns.ts";
import { judgeRules, type Judgement } from "./judge.ts";
import { forgetOriginals, keySettings, maskDatabase } from "./mask-database.ts";
import { AnonymiseResult, AnonymiseSpec } from "./spec.ts";
import { countRows, verifyMasked } from "./verify-masked.ts";

// Idle while the dump comes in, for hours perhaps.
const lockConnection = { applicationName: "affexai-anonymise-lock", settings: { idle_session_timeout: "0" } };

/**
 * Makes a backup that other environments may have: restores one into a scratch database beside the live one, masks it there, verifies
 * that nothing personal is left, and dumps the result into the other environment's bucket, where `backup restore` finds it. The live
 * database is not touched, and what is not masked never leaves its server. The scratch database of a killed run is dropped by the next.
 */
export const anonymise: Verb<typeof AnonymiseSpec, typeof AnonymiseResult> = {
  spec: AnonymiseSpec,
  result: AnonymiseResult,
  async run(spec, context) {
    const began = performance.now();
    const key = keyOf(context.env);
    if (spec.from.bucket === spec.to.bucket && spec.from.environment === spec.to.environment)
      throw refused(
        `${spec.to.bucket}, ${spec.to.environment}`,
        "is where the backup comes from.",
        "Name another bucket or environment.",
      );
    const live = databaseAccess(context.env, "DATABASE_URL");
    const reader = databaseAccess(context.env, "BACKUP_DATABASE_URL");
    const operations = onDatabase(live, operationsDatabase(live.database));
    const store = backupStore(spec.from, context);
    const target = new BackupStore(objectStorage(targetEnvironment(context.env)), spec.to);
    const manifest = await store.find(spec.from.id);
    return withConnection(operations, lockConnection, async (client) => {
      await takeTurn(client, live.database);
      await dropDeadScratches(client, live.database, context);
      await assertRestorableOn(client, { store, manifest }, context);
      const run = randomBytes(6).toString("hex");
      const scratch = onDatabase(live, anonymisingName(live.database, run));
      const applicationName = `affexai-anonymise-${run}`;
      try {
        await restoreBeside(
          { access: live, store, manifest, applicationName, target: scratch.database, timeoutMs: dumpLimitMs },
          context,
        );
        const { plan } = await mask({ scratch, reader, applicationName, key, manifest }, spec, context);
        const made = await takeBackup(
          {
            ...{
              access: onDatabase(reader, scratch.database),
              applicationName,
              store: target,
              reason: "manual",
              frozen: false,
              release: null,
            },
            ...{ historyTable: manifest.historyTable, timeoutMs: dumpLimitMs },
            copyOf: {
              database: manifest.database,
              from: { environment: manifest.environment, id: manifest.id },
            },
          },
          { ...context, env: targetEnvironment(context.env) },
        );
        const { id, rows, tables } = summary(made);
        return {
          ...{ id, from: manifest.id, rows, tables },
          maskedColumns: plan.flatMap(({ changes }) => changes).length,
          truncatedTables: plan.filter(({ truncate }) => truncate).map(({ table }) => table),
          seconds: seconds(performance.now() - began),
        };
      } finally {
        await dropDatabase(client, scratch.database);
      }
    });
  },
};

async function mask(
  at: Readonly<Record<"scratch" | "reader", DatabaseAccess>> & {
    applicationName: string;
    key: string;
    manifest: Manifest;
  },
  { rules }: AnonymiseSpec,
  context: Context,
): Promise<Judgement> {
  const settings = { ...keySettings(at.key), row_security: "off", statement_timeout: "0" };
  return withConnection(at.scratch, { applicationName: at.applicationName, settings }, async (client) => {
    const columns = await readColumns(client, at.manifest.historyTable);
    const judgement = judgeRules(columns, await readReferences(client), rules);
    const problems = [...judgement.problems, ...(await largeObjects(client))];
    if (problems.length > 0) {
      throw refused(
        "the rules",
        `do not cover this database:\n${problems.map((problem) => `- ${problem}`).join("\n")}\n`,
        "Give each a rule in the rules file; nothing was exported.",
      );
    }
    const { plan } = judgement;
    const before = await countRows(
      client,
      plan.map(({ qualifiedTable }) => qualifiedTable),
    );
    await context.progress.step("mask", (progress) => maskDatabase(client, plan, { ...context, progress }));
    await context.progress.step("verify that nothing personal is left", () =>
      verifyMasked(client, { columns, plan, before, published: rules.published }),
    );
    await forgetOriginals(client);
    // What PostgreSQL knows of the originals' most common values goes too.
    await makeStatistics(client);
    // Only now may somebody else look.
    const [database, reader] = [at.scratch.database, at.reader.user].map((name) => pg.escapeIdentifier(name));
    await client.query(`GRANT CONNECT ON DATABASE ${database} TO ${reader}`);
    return judgement;
  });
}

/** No rule reaches into them. */
async function largeObjects(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ count: number }>("SELECT count(*)::int AS count FROM pg_largeobject_metadata");
  const { count = 0 } = rows[0] ?? {};
  return count === 0 ? [] : [`${count} large objects have no rule, and can have none`];
}

function keyOf({ ANONYMISE_KEY: key = "" }: Context["env"]): string {
  if (key.length >= 32) return key;
  throw new OperationError("usage", {
    where: "ANONYMISE_KEY",
    what: key === "" ? "is not set." : "has fewer than 32 characters: masks made with it could be guessed.",
    next: "Make one with `openssl rand -hex 32`, and keep it: with another key the same person gets other masks.",
  });
}

/** Where the result goes may need credentials and recipients of its own: each `TO_<NAME>` stands for `<NAME>` there. */
function targetEnvironment(env: Context["env"]): Context["env"] {
  const own = Object.entries(env).flatMap(([name, value]) =>
    name.startsWith("TO_") && value !== undefined ? [[name.slice("TO_".length), value] as const] : [],
  );
  // The first environment's session token does not fit the other's keys, and its recipients are not the other's.
  const { AWS_SESSION_TOKEN } = env;
  const token = own.some(([name]) => name === "AWS_ACCESS_KEY_ID") ? undefined : AWS_SESSION_TOKEN;
  return { ...env, AWS_SESSION_TOKEN: token, BACKUP_RECIPIENTS: undefined, ...Object.fromEntries(own) };
}

/** The lock ends with the connection, so that a killed run leaves none. */
async function takeTurn(client: pg.Client, database: string): Promise<void> {
  const { rows } = await client.query<{ taken: boolean }>(
    "SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS taken",
    [`affexai-anonymise:${database}`],
  );
  if (rows[0]?.taken === true) return;
  throw refused(`database ${database}`, "is being anonymised by another run.", "Wait for it to end and run again.");
}

/** Under the lock every scratch database is a dead one's. */
async function dropDeadScratches(client: pg.Client, database: string, { progress }: Context): Promise<void> {
  const { rows } = await client.query<{ datname: string }>("SELECT datname::text FROM pg_database WHERE datname ~ $1", [
    `^${anonymisingName(database, "[0-9a-f]{12}")}$`,
  ]);
  for (const { datname } of rows)
    await progress.step(`drop ${datname}, left by a run that was killed`, () => dropDatabase(client, datname));
}

function refused(where: string, what: string, next: string): OperationError {
  return new OperationError("refused", { where, what, next });
}
