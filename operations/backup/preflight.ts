import { GetBucketVersioningCommand, type S3Client } from "@aws-sdk/client-s3";
import type pg from "pg";
import { clientPrograms } from "../database/client-programs.ts";
import { OperationError } from "../error.ts";
import type { Context } from "../verb.ts";
import type { BackupStore } from "./backup-store.ts";
import { readLock } from "./object-lock.ts";

/** Ids sort by this machine's clock, snapshots are told by the server's, and locks end by the storage's. */
const clockSkewSeconds = 120;

/**
 * Looks at everything that would end a backup half-way or make it worthless, before anything is written, and throws one OperationError
 * (refused) with all of it: the role and what it may read, the client programs, the three clocks, and what the bucket does to protect
 * what is in it. `client` is connected as the role that dumps. Space is the storage's own affair.
 */
export async function assertBackupPossible(client: pg.Client, store: BackupStore, context: Context): Promise<void> {
  const problems = [
    ...(await roleProblems(client)),
    ...(await programProblems(client, context)),
    ...(await clockProblems(client)),
    ...(await bucketProblems(store)),
  ];
  if (problems.length === 0) return;
  throw new OperationError("refused", {
    where: `a backup to bucket ${store.target.bucket}`,
    what: `is not possible:\n${problems.map((problem) => `  - ${problem}`).join("\n")}\n`,
    next: "Correct all of it; nothing was written.",
  });
}

/** What the role of a connection cannot dump, and what it can do that a role for backups must not; a phrase each. */
async function roleProblems(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{
    role: string;
    superuser: boolean;
    unreadable: string[];
    writable: string[];
    secured: string[];
    largeObjects: number;
  }>(
    `WITH own AS (SELECT oid FROM pg_namespace n WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'),
          stored AS (SELECT c.oid, c.relkind, c.relrowsecurity, c.relnamespace FROM pg_class c JOIN own ON own.oid = c.relnamespace
                      WHERE c.relkind IN ('r', 'p', 'm', 'S') AND c.relpersistence <> 't')
     SELECT r.rolname::text AS role, r.rolsuper AS superuser,
            ARRAY(SELECT oid::regclass::text FROM stored
                   WHERE NOT has_schema_privilege(relnamespace, 'USAGE')
                      OR NOT CASE relkind WHEN 'S' THEN has_sequence_privilege(oid, 'SELECT') ELSE has_table_privilege(oid, 'SELECT') END
                   ORDER BY 1) AS unreadable,
            ARRAY(SELECT oid::regclass::text FROM stored
                   WHERE relkind <> 'S' AND has_table_privilege(oid, 'INSERT, UPDATE, DELETE, TRUNCATE') ORDER BY 1) AS writable,
            ARRAY(SELECT oid::regclass::text FROM stored WHERE relrowsecurity AND row_security_active(oid) ORDER BY 1) AS secured,
            (SELECT count(*)::int FROM pg_largeobject_metadata l
              WHERE NOT pg_has_role(l.lomowner, 'USAGE')
                AND NOT EXISTS (SELECT FROM aclexplode(l.lomacl) a WHERE a.privilege_type = 'SELECT'
                                 AND (a.grantee = 0 OR pg_has_role(a.grantee, 'USAGE')))) AS "largeObjects"
       FROM pg_roles r WHERE r.rolname = current_user`,
  );
  const [can] = rows;
  if (can === undefined) throw new Error("pg_roles does not list current_user");
  const { role } = can;
  // The owner of any object can have code run by a superuser who dumps it (CVE-2024-7348).
  if (can.superuser) return [`${role} is a superuser: give the role for backups, which can only read`];
  return [
    ...(can.unreadable.length === 0
      ? []
      : [`${role} may not read ${some(can.unreadable)}: it needs pg_read_all_data (\`affexai roles apply\`)`]),
    ...(can.writable.length === 0
      ? []
      : [`${role} may write ${some(can.writable)}: give the role for backups, which can only read`]),
    ...(can.secured.length === 0
      ? []
      : [`${role} does not see all rows of ${some(can.secured)}: it needs BYPASSRLS (\`affexai roles apply\`)`]),
    ...(can.largeObjects === 0
      ? []
      : [
          `${role} may not read ${can.largeObjects} large objects, which pg_read_all_data does not cover: grant SELECT ON LARGE OBJECT, or keep them in S3`,
        ]),
  ];
}

async function programProblems(client: pg.Client, { env }: Context): Promise<string[]> {
  const { rows } = await client.query<{ major: number }>(
    "SELECT current_setting('server_version_num')::int / 10000 AS major",
  );
  try {
    await clientPrograms(env, rows[0]?.major ?? 0);
    return [];
  } catch (error) {
    if (!(error instanceof OperationError)) throw error;
    return [`${error.text.what.replace(/\.$/, "")}: ${error.text.next.split(" and run again")[0] ?? ""}`];
  }
}

async function clockProblems(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ now: Date }>("SELECT clock_timestamp() AS now");
  return skew("the database server", rows[0]?.now);
}

async function bucketProblems(store: BackupStore): Promise<string[]> {
  const { bucket: Bucket } = store.target;
  const { Status, date } = await store.attempt("asking for the bucket's versioning", () =>
    withDate(store.storage, new GetBucketVersioningCommand({ Bucket })),
  );
  const lock = await store.attempt("asking for the bucket's object lock", () => readLock(store.storage, Bucket));
  const remedy = "run `pulumi up`, which makes it so (BackupStorage)";
  return [
    ...skew("the storage", date),
    ...(Status === "Enabled" ? [] : [`the bucket keeps no versions, so a backup could be written over: ${remedy}`]),
    ...(lock?.ObjectLockEnabled === "Enabled"
      ? []
      : [`the bucket has no object lock, so a backup could be deleted: ${remedy}`]),
    ...(lock?.ObjectLockEnabled !== "Enabled" || lock.Rule?.DefaultRetention?.Mode !== undefined
      ? []
      : [`the bucket's object lock has no default retention, so nothing is locked: ${remedy}`]),
  ];
}

/** The answer with the moment that the storage gave it, from its Date header. */
async function withDate(storage: S3Client, command: GetBucketVersioningCommand) {
  const dates: Date[] = [];
  command.middlewareStack.add(
    (next) => async (request) => {
      const result = await next(request);
      const { response } = result;
      if (typeof response === "object" && response !== null && "headers" in response) {
        const { headers } = response;
        if (typeof headers === "object" && headers !== null && "date" in headers && typeof headers.date === "string")
          dates.push(new Date(headers.date));
      }
      return result;
    },
    { step: "deserialize", priority: "low" },
  );
  const { Status } = await storage.send(command);
  return { Status, date: dates[0] };
}

function skew(whose: string, time: Date | undefined): string[] {
  if (time === undefined) return [];
  const seconds = Math.round(Math.abs(Date.now() - time.getTime()) / 1000);
  return seconds <= clockSkewSeconds ? [] : [`the clocks of ${whose} and of this machine differ by ${seconds} s`];
}

function some(names: readonly string[]): string {
  const [shown, more] = [names.slice(0, 5).join(", "), names.length - 5];
  return more > 0 ? `${shown} and ${more} more` : shown;
}
