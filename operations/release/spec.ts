import { z } from "zod";

/** `<registry>/<repository>@sha256:<64 hex>`. Tags are for people; a machine is given digests only. */
export const PinnedImage = z
  .string()
  .regex(
    /^[a-z0-9.-]+(:\d+)?\/[a-z0-9._/-]+@sha256:[0-9a-f]{64}$/,
    "must be <registry>/<repository>@sha256:<64 hex digits>",
  );
export type PinnedImage = z.infer<typeof PinnedImage>;

/** Names a release: in the ledger, in the image's baked-in label, in `/version`. */
export const ReleaseId = z
  .string()
  .regex(/^[a-z0-9][a-z0-9.-]{0,62}$/, "must be lower-case letters, digits, dots and hyphens, at most 63");

/** What a statement does to the release that is running while it is applied (worst first). */
export const MigrationClass = z.enum(["DESTROYS", "BREAKS", "OPAQUE", "WARN", "SAFE"]);
export type MigrationClass = z.infer<typeof MigrationClass>;

/**
 * What a migration class says of itself in `static readonly affexai`: the changes of existing data that are meant. All else that was
 * there before has to be there afterwards. Tables outside `public` have their schema in front.
 */
export const Expectations = z.strictObject({
  /** How many rows it may delete at most, by table, those that go by a cascade included. */
  deletes: z.record(z.string(), z.int().min(0)).default({}),
  /** Columns whose values it changes, by table. */
  updates: z.record(z.string(), z.array(z.string())).default({}),
  /** Statements that TypeORM's schema builder would still run afterwards, as it prints them, and that are right as they are. */
  remains: z.array(z.string()).default([]),
});
export type Expectations = z.infer<typeof Expectations>;

/** What is to be said about a migration. */
export const MigrationFinding = z.strictObject({
  /** `column-wiped`, or `squawk/<rule>`. */
  rule: z.string(),
  class: MigrationClass,
  /** The statement's place in the migration's `statements`, from 0; null when it is about more than one or none. */
  statement: z.int().min(0).nullable(),
  message: z.string(),
  remedy: z.string(),
  /** Nothing makes it right: a plan with it is refused, and so is a run, unless it is a loss of data under maintenance, which is undone. */
  forbidden: z.boolean(),
});
export type MigrationFinding = z.infer<typeof MigrationFinding>;

/** A finding as records had it before it was taken apart: `<class>: <message>`. */
const WrittenFinding = z.string().transform((text): MigrationFinding => {
  const [, kind = "", message = text] = /^([A-Z]+): (.*)$/s.exec(text) ?? [];
  const known = MigrationClass.safeParse(kind);
  return {
    rule: "unnamed",
    class: known.success ? known.data : "WARN",
    statement: null,
    message: known.success ? message : text,
    remedy: "Make the record again with this version.",
    forbidden: false,
  };
});

/** PostgreSQL's modes of locking a table, from the weakest to the strongest: postgresql.org/docs/15/explicit-locking.html. */
export const LockMode = z.enum([
  "AccessShareLock",
  "RowShareLock",
  "RowExclusiveLock",
  "ShareUpdateExclusiveLock",
  "ShareLock",
  "ShareRowExclusiveLock",
  "ExclusiveLock",
  "AccessExclusiveLock",
]);
export type LockMode = z.infer<typeof LockMode>;

/** What a statement did when it was rehearsed. Relations are those that were there before the migration; outside `public` with their schema. */
export const RehearsedStatement = z.strictObject({
  ms: z.number().min(0),
  /** The strongest lock that it took beyond what its transaction had, by relation. */
  locks: z.record(z.string(), LockMode),
  /** Tables and indexes that were written anew. */
  rewrites: z.array(z.string()),
  /** Rows that it read or changed, as PostgreSQL counts them; null when it does not. */
  rows: z.int().min(0).nullable(),
});
export type RehearsedStatement = z.infer<typeof RehearsedStatement>;

export const MigrationRehearsal = z.strictObject({
  /** Id of the backup that it ran on; null for a database made of the migrations before it. */
  backup: z.string().nullable(),
  /** All of `up`, commit included. */
  ms: z.number().min(0),
  /** In the order of the migration's `statements`. */
  statements: z.array(RehearsedStatement),
});
export type MigrationRehearsal = z.infer<typeof MigrationRehearsal>;

export const MigrationRecord = z.strictObject({
  /** TypeORM's name: the class name with its timestamp. */
  name: z.string(),
  /** SHA-256 of the migration's compiled source, hex. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  /** What `up` runs, in order: as it was rehearsed, or else as far as it could be recorded. */
  statements: z.array(z.string()),
  class: MigrationClass,
  /** Why the class is what it is, and advice, which is SAFE. */
  findings: z.array(z.union([MigrationFinding, WrittenFinding])),
  hasDown: z.boolean(),
  /** A rehearsal ran up, down and up again, and found the schema's fingerprint and the content of every older table equal. */
  downProven: z.boolean().default(false),
  /** Null when it was never rehearsed. */
  rehearsal: MigrationRehearsal.nullable().default(null),
  /** False when the migration asks TypeORM to run it outside a transaction. */
  transaction: z.boolean(),
  expects: Expectations.default({ deletes: {}, updates: {}, remains: [] }),
});
export type MigrationRecord = z.infer<typeof MigrationRecord>;

export const ColumnContract = z.strictObject({
  /** PostgreSQL's own name of the type, as format_type prints it: `character varying(255)`, `integer`, `jsonb`. */
  type: z.string(),
  nullable: z.boolean(),
  /** False for generated columns and those that the entity never writes. */
  insertable: z.boolean(),
  /** The labels the code knows, when it is an enum. */
  enumLabels: z.array(z.string()).optional(),
});

/** What each table must look like for a release's code: every mapped table and column, exported from the entities. */
export const EntityContract = z.record(z.string(), z.strictObject({ columns: z.record(z.string(), ColumnContract) }));
export type EntityContract = z.infer<typeof EntityContract>;

/** Names one build of an application whose pages ask for that build's files; Next.js calls it the deployment id. */
export const AssetsId = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, "must be letters, digits, _ and -, at most 64");

/** The TypeORM options found in the image, for the policies. */
export const TypeormOptions = z.strictObject({
  synchronize: z.boolean(),
  dropSchema: z.boolean(),
  migrationsRun: z.boolean(),
});

/** One release: made once, from the built images, and never changed. */
export const ReleaseRecord = z.strictObject({
  version: z.literal(1),
  id: ReleaseId,
  gitSha: z.string().regex(/^[0-9a-f]{40}$/),
  createdAt: z.iso.datetime(),
  images: z.strictObject({ backend: PinnedImage, frontend: PinnedImage }),
  /** Which build's files the frontend's pages ask for; left out when its image does not say. */
  frontendAssets: AssetsId.optional(),
  migrations: z.array(MigrationRecord),
  contract: EntityContract,
  typeorm: TypeormOptions,
  /** The release declares that users see a maintenance page while it migrates. */
  maintenance: z.boolean(),
});
export type ReleaseRecord = z.infer<typeof ReleaseRecord>;

/** Where the ledger of an environment is: `releases/<environment>/` in the backup bucket. */
export const LedgerLocation = z.strictObject({ bucket: z.string().min(3), environment: z.string().min(1) });
export type LedgerLocation = z.infer<typeof LedgerLocation>;

/**
 * Carried by every release command. `after` is the id of the newest attempt that did not close as verified when the program
 * started: a run that died half-way changes it, so that the next `up` runs every release command again.
 */
export const ReleaseStamp = z.strictObject({ id: ReleaseId, after: z.string().nullable() });
export type ReleaseStamp = z.infer<typeof ReleaseStamp>;

/** An application as the smoke test and the rollback see it. */
export const RunningApplication = z.strictObject({
  name: z.string(),
  /** Where users reach it, without a trailing slash. */
  url: z.url(),
  image: PinnedImage,
  /** Answers `{release, digest, gitSha}` as JSON. */
  versionPath: z.string().startsWith("/"),
});
export type RunningApplication = z.infer<typeof RunningApplication>;

/** A request that must work for the release to count: one of the application's critical paths. */
export const CriticalPath = z.strictObject({
  name: z.string(),
  application: z.string(),
  method: z.enum(["GET", "POST"]),
  path: z.string().startsWith("/"),
  /** Sent as JSON. Never a secret. */
  body: z.record(z.string(), z.json()).optional(),
  expectStatus: z.int(),
  /** Must occur in the answer's body. */
  expectText: z.string().optional(),
});
export type CriticalPath = z.infer<typeof CriticalPath>;

export const SmokeTestSpec = z.strictObject({
  stamp: ReleaseStamp,
  ledger: LedgerLocation,
  applications: z.array(RunningApplication).min(1),
  criticalPaths: z.array(CriticalPath),
  /** Each application has to answer with the declared release this many times in a row. */
  consecutive: z.int().min(1),
  timeoutSeconds: z.number().positive(),
  /** The results of the commands before it: a change of any of them runs the smoke test again. */
  after: z.array(z.string()),
});
export const SmokeTestResult = z.strictObject({ attempt: z.string(), answers: z.int() });

export const LedgerEntrySpec = z.strictObject({
  record: ReleaseRecord,
  stamp: ReleaseStamp,
  ledger: LedgerLocation,
  /** `owner/name` of the repository whose GitHub Deployments mirror the ledger. */
  repository: z.string().optional(),
  url: z.url(),
  /** What the entry ends: the freeze of the application's role, and the maintenance. DATABASE_URL (migrator) comes in the environment. */
  window: z
    .strictObject({
      app: z.string(),
      /** A MaintenanceTarget of coolify/spec.ts, which needs this file. */
      maintenance: z.strictObject({ uuid: z.string(), url: z.url() }).optional(),
    })
    .optional(),
  after: z.array(z.string()),
});
export const LedgerEntryResult = z.strictObject({ attempt: z.string(), verifiedAt: z.iso.datetime() });

/** A release that served, with the names of its migrations, which the database has had since. */
export const VerifiedRelease = z.strictObject({ release: ReleaseId, migrations: z.array(z.string()) });
export type VerifiedRelease = z.infer<typeof VerifiedRelease>;

/** What the program reads of the ledger before it declares anything. */
export const LedgerHead = z.strictObject({
  bucketExists: z.boolean(),
  /** For `ReleaseStamp.after`. */
  after: z.string().nullable(),
  newest: z
    .strictObject({
      attempt: z.string(),
      release: ReleaseId,
      state: z.enum(["open", "failed", "verified", "rolled-back"]),
      at: z.iso.datetime(),
    })
    .nullable(),
  /** The two newest releases that were ever verified, newest first: at least one is another than the declared one. */
  verified: z.array(VerifiedRelease).max(2),
});
export type LedgerHead = z.infer<typeof LedgerHead>;

/**
 * The stack output `targets`: where the verbs that people run with `--stack` find what they work on. Database URLs are secret
 * outputs of their own: `databaseUrl` (migrator), `backupDatabaseUrl`, `adminDatabaseUrl`.
 */
export const StackTargets = z.object({
  environment: z.string(),
  /** Backups and the ledger. */
  bucket: z.string(),
  /** Days that a backup is kept, by why it was made; absent where the stack was made before backups were pruned. */
  keepBackupDays: z.record(z.string(), z.int().min(1)).optional(),
  /** The database's name. */
  database: z.string(),
  roles: z.object({ migrator: z.string(), app: z.string(), backup: z.string() }),
  applications: z.array(z.object({ ...RunningApplication.shape, uuids: z.array(z.string()) })),
  criticalPaths: z.array(CriticalPath),
  /** What answers in place of the applications during maintenance; absent where a stack names no tools image. */
  maintenance: z.object({ uuid: z.string(), url: z.url() }).optional(),
  /** Public keys that the stack's backups are encrypted to; absent where they are plain. */
  recipients: z.array(z.string()).optional(),
  migrations: z.object({
    imageRuntime: z.enum(["docker", "unpacked"]),
    nodePath: z.string(),
    /** The TypeORM data source, relative to the image's working directory. */
    dataSource: z.string(),
    lockTimeoutSeconds: z.number().positive().default(5),
    statementTimeoutSeconds: z.number().positive().default(300),
    protectedTables: z.array(z.strictObject({ table: z.string(), columns: z.array(z.string()) })).default([]),
  }),
});
export type StackTargets = z.infer<typeof StackTargets>;
