import { z } from "zod";
import { BackupReason } from "../backup/spec.ts";
import { checkedVariables } from "../checked-variables.ts";
import type { MaintenanceTarget } from "../coolify/spec.ts";
import { databaseAccess } from "../database/access.ts";
import { Identifier } from "../database/spec.ts";
import { OperationError } from "../error.ts";
import { withAccessKey } from "../storage-access-key.ts";
import type { Context } from "../verb.ts";

/** Backups that the clock asks for. */
export const Cadence = BackupReason.extract(["hourly", "daily", "weekly", "monthly"]);
export type Cadence = z.infer<typeof Cadence>;

const listed = z.string().transform((text) => text.split(",").map((item) => item.trim()));

const cadences = listed.pipe(z.array(Cadence));

/** `daily=14,weekly=56`. */
const keepDays = listed
  .transform((items) =>
    Object.fromEntries(items.map((item) => item.split("=", 2)).map(([key = "", days]) => [key, days])),
  )
  .pipe(z.record(BackupReason, z.coerce.number<string>().int().min(1)));

const timeZone = z.string().refine((zone) => {
  try {
    return Intl.DateTimeFormat("en", { timeZone: zone }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}, "is no time zone that this Node knows");

function databaseUrl(variable: string) {
  return z.string().superRefine((url, context) => {
    try {
      databaseAccess({ [variable]: url }, variable);
    } catch (error) {
      if (!(error instanceof OperationError)) throw error;
      context.addIssue({ code: "custom", message: error.text.what });
    }
  });
}

const Variables = z.object({
  APP_ENVIRONMENT: z.string().min(1),
  PORT: z.coerce.number<string>().int().min(0).max(65_535).default(8080),
  /** With commas between: hourly, daily, weekly, monthly. Without it, no backup is taken by the clock. */
  BACKUP_CADENCE: cadences.default([]),
  BACKUP_TIME_ZONE: timeZone.default("UTC"),
  BACKUP_BUCKET: z.string().min(1),
  /** `<reason>=<days>` with commas between, for every reason. */
  BACKUP_KEEP_DAYS: keepDays,
  /** Pruning leaves as many of the newest backups, and of the newest drilled ones, however old they are. */
  BACKUP_KEEP_AT_LEAST: z.coerce.number<string>().int().min(1).default(3),
  /** A database that a restore replaced is kept as long. */
  KEEP_REPLACED_DAYS: z.coerce.number<string>().min(0).default(7),
  MIGRATION_HISTORY_TABLE: Identifier.optional(),
  /** The role that the application connects as: the one that is frozen. */
  DATABASE_APP_ROLE: Identifier,
  /** As the owner of the schema: the lock, the freezes, drills, resumed runs. */
  DATABASE_URL: databaseUrl("DATABASE_URL"),
  /** As the role that reads everything. */
  BACKUP_DATABASE_URL: databaseUrl("BACKUP_DATABASE_URL"),
  AWS_REGION: z.string().min(1),
  BACKUP_WRITER_ACCESS_KEY_ID: z.string().min(1),
  BACKUP_WRITER_SECRET_ACCESS_KEY: z.string().min(1),
  BACKUP_READER_ACCESS_KEY_ID: z.string().min(1),
  BACKUP_READER_SECRET_ACCESS_KEY: z.string().min(1),
  BACKUP_PRUNER_ACCESS_KEY_ID: z.string().min(1),
  BACKUP_PRUNER_SECRET_ACCESS_KEY: z.string().min(1),
  /** Told by POST when somebody has to look. Secret: whoever knows it can page. */
  PAGE_URL: z.url({ protocol: /^https?$/ }).optional(),
  /** The maintenance application, which is turned off when a freeze that nobody looks after is lifted: all four, or none. */
  MAINTENANCE_UUID: z.string().optional(),
  MAINTENANCE_URL: z.url().optional(),
  COOLIFY_URL: z.url().optional(),
  /** May read and deploy. */
  COOLIFY_TOKEN: z.string().optional(),
});

const together = ["MAINTENANCE_UUID", "MAINTENANCE_URL", "COOLIFY_URL", "COOLIFY_TOKEN"] as const;

const Checked = Variables.superRefine((variables, context) => {
  const missing = together.filter((name) => variables[name] === undefined);
  if (missing.length === 0 || missing.length === together.length) return;
  for (const name of missing)
    context.addIssue({ code: "custom", path: [name], message: "goes with the others of maintenance" });
});

/** What an agent works with. */
export interface AgentSettings {
  readonly environment: string;
  readonly port: number;
  readonly cadence: readonly Cadence[];
  readonly timeZone: string;
  readonly bucket: string;
  readonly keepDays: Readonly<Record<z.infer<typeof BackupReason>, number>>;
  readonly keepAtLeast: number;
  readonly keepReplacedDays: number;
  readonly historyTable: string | undefined;
  readonly app: string;
  readonly maintenance: MaintenanceTarget | undefined;
  readonly pageUrl: string | undefined;
}

/** Reads them from the environment. Throws (usage) with all that is wrong, before anything is opened. */
export function readAgentSettings(env: Context["env"]): AgentSettings {
  const variables = checkedVariables(Checked, env, "affexai agent");
  const { MAINTENANCE_UUID: uuid, MAINTENANCE_URL: url } = variables;
  return {
    environment: variables.APP_ENVIRONMENT,
    port: variables.PORT,
    cadence: variables.BACKUP_CADENCE,
    timeZone: variables.BACKUP_TIME_ZONE,
    bucket: variables.BACKUP_BUCKET,
    keepDays: variables.BACKUP_KEEP_DAYS,
    keepAtLeast: variables.BACKUP_KEEP_AT_LEAST,
    keepReplacedDays: variables.KEEP_REPLACED_DAYS,
    historyTable: variables.MIGRATION_HISTORY_TABLE,
    app: variables.DATABASE_APP_ROLE,
    maintenance: uuid === undefined || url === undefined ? undefined : { uuid, url },
    pageUrl: variables.PAGE_URL,
  };
}

/** Who the agent is towards the storage: each job has the least rights that it needs. */
export type StorageIdentity = "writer" | "reader" | "pruner";

/** The environment of one job: the agent's own, with the access keys of an identity under their standard names. */
export function withIdentity(env: Context["env"], identity: StorageIdentity): Context["env"] {
  const name = identity.toUpperCase();
  return withAccessKey(env, {
    accessKeyId: env[`BACKUP_${name}_ACCESS_KEY_ID`],
    secretAccessKey: env[`BACKUP_${name}_SECRET_ACCESS_KEY`],
  });
}
