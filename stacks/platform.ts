import { RandomPassword } from "@pulumi/random/randomPassword.js";
import { BackupStorage } from "../components/backup-storage.ts";
import { ContainerImage } from "../components/container-image.ts";
import { CoolifyApplication } from "../components/coolify-application.ts";
import { CoolifyProject } from "../components/coolify-project.ts";
import { DatabaseMigration } from "../components/database-migration.ts";
import { DatabaseRoles } from "../components/database-roles.ts";
import { GithubDelivery } from "../components/github-delivery.ts";
import { LedgerEntry } from "../components/ledger-entry.ts";
import { MediaStorage } from "../components/media-storage.ts";
import { PostgresDatabase } from "../components/postgres-database.ts";
import type { PreviewProbe } from "../components/preview-probe.ts";
import { RedisCache } from "../components/redis-cache.ts";
import { SmokeTest } from "../components/smoke-test.ts";
import { backendVariables, criticalPaths, frontendVariables } from "./affexai.ts";
import { backupEncryption } from "./backup-encryption.ts";
import type { Config } from "./config.ts";
import { databaseSsh } from "./database-ssh.ts";
import { given } from "./given.ts";
import type { DeclaredRelease } from "./release.ts";
import { declareTools } from "./tools.ts";

/** Project in Coolify, and the applications in it. */
const project = "affexai";
const versionPath = "/version";

/**
 * Everything of one environment, in the order things happen: storage, images, databases, migration, rollout, proof, record.
 * What a release must not overtake is passed on as data (`after`), so the order is in the state too.
 */
export function platform(config: Config, { record, stamp, previous }: DeclaredRelease, preview?: PreviewProbe) {
  const { environment, behaviour, routes, storage } = config;
  const ledger = { bucket: storage.backupBucket, environment };
  const urls = { backend: publicUrl(config, routes.backend), frontend: publicUrl(config, routes.frontend) };

  // Where backups and the ledger are kept, and where users' uploads are.
  const backups = new BackupStorage("backups", {
    bucket: storage.backupBucket,
    environment,
    lockDays: behaviour.lockDays,
    keepDays: behaviour.keepBackupDays,
  });
  const media = new MediaStorage("media", { bucket: storage.mediaBucket, origins: [urls.frontend] });

  // The release's images, by digest: the registry still has them.
  const backendImage = new ContainerImage("backend-image", { mode: "reference", image: record.images.backend });
  const frontendImage = new ContainerImage("frontend-image", { mode: "reference", image: record.images.frontend });

  // The place on Coolify, and the databases.
  const { placement } = new CoolifyProject("project", {
    project,
    environment,
    server: config.server,
    ...(config.destination === undefined ? {} : { destination: config.destination }),
    ...(config.team === undefined ? {} : { team: config.team }),
    applications: [
      { name: "backend", hosts: [routes.backend] },
      { name: "frontend", hosts: [routes.frontend] },
    ],
    registry: config.registry,
  });
  const database = new PostgresDatabase(
    "database",
    config.database.kind === "coolify"
      ? { kind: "coolify", placement, image: config.database.image, database: config.database.name }
      : { kind: "external", adminUrl: given(config, "databaseAdminUrl"), database: config.database.name },
  );
  const cache = new RedisCache(
    "cache",
    config.cache.kind === "coolify"
      ? { kind: "coolify", placement, image: config.cache.image, cache: `${project}-redis` }
      : { kind: "external", url: given(config, "cacheUrl") },
  );
  const ssh = databaseSsh(config.database);
  const roles = new DatabaseRoles("roles", { adminUrl: database.adminUrl, database: database.database, ssh });

  // What looks after the backups, and what answers for the site during maintenance. Neither is part of a release.
  const { maintenance } = declareTools(config, { placement, backups, roles, ledger, site: urls.frontend, preview });

  // The schema first, then the code that needs it.
  const migration = new DatabaseMigration("migration", {
    ...config.migrations,
    record,
    stamp,
    previous,
    ledger,
    image: backendImage.reference,
    app: roles.app,
    databaseUrl: roles.migratorUrl,
    backupDatabaseUrl: roles.backupUrl,
    ssh,
    backupMaxAgeSeconds: behaviour.backupMaxAgeSeconds,
    encryption: backupEncryption(config),
    maintenance,
    after: [backups],
  });
  const rollout = {
    placement,
    environment,
    tls: behaviour.tls,
    publicPort: routes.publicPort,
    replicas: behaviour.replicas,
    versionPath,
    drain: behaviour.drain,
    stopGracePeriodSeconds: behaviour.stopGracePeriodSeconds,
    rolloutTimeoutSeconds: behaviour.rolloutTimeoutSeconds,
    stamp,
    ledger,
    preview,
  };
  const jwtSecret = new RandomPassword("jwt-secret", { length: 64, special: false });
  const backend = new CoolifyApplication("backend", {
    ...rollout,
    image: backendImage.reference,
    port: 3001,
    hosts: [routes.backend],
    health: { ...behaviour.health, path: "/health/ready", startedPath: "/health/started" },
    canary: behaviour.canary === null ? null : { ...behaviour.canary, metricsPath: "/metrics" },
    limits: { memory: "1g" },
    ...backendVariables(config, urls.frontend, { roles, cache, media, jwtSecret: jwtSecret.result }),
    after: [migration.attempt],
  });
  const frontend = new CoolifyApplication("frontend", {
    ...rollout,
    image: frontendImage.reference,
    port: 3000,
    hosts: [routes.frontend],
    ...assetsOf(record),
    health: { ...behaviour.health, path: "/health" },
    // It has no metrics of its own to compare.
    canary: null,
    limits: { memory: "512m" },
    ...frontendVariables(urls.backend),
    // The site asks the API: an older site on a newer API works, the other way round is not promised.
    after: [backend.attempt],
  });

  // Seen through the users' own route, then written down as the last known good one.
  const applications = [
    { name: "backend", url: urls.backend, image: record.images.backend, versionPath },
    { name: "frontend", url: urls.frontend, image: record.images.frontend, versionPath },
  ];
  const smokeTest = new SmokeTest("smoke-test", {
    stamp,
    ledger,
    applications,
    criticalPaths,
    consecutive: behaviour.smokeAnswers,
    timeoutSeconds: 120,
    after: [backend.digest, frontend.digest, backend.attempt, frontend.attempt],
  });
  const entry = new LedgerEntry("ledger-entry", {
    record,
    stamp,
    ledger,
    repository: `${config.github.owner}/${config.github.repository}`,
    url: urls.frontend,
    app: roles.app,
    maintenance,
    databaseUrl: roles.migratorUrl,
    ssh,
    after: [smokeTest.attempt],
  });

  // What the application's own workflows are given.
  new GithubDelivery("github", {
    repository: config.github.repository,
    environment,
    reviewers: config.github.reviewers,
    branches: config.github.branches,
    variables: {
      BACKEND_URL: urls.backend,
      FRONTEND_URL: urls.frontend,
      BACKUP_BUCKET: storage.backupBucket,
      AWS_REGION: storage.region,
    },
    secrets: {
      BACKUP_ACCESS_KEY_ID: backups.writer.accessKeyId,
      BACKUP_SECRET_ACCESS_KEY: backups.writer.secretAccessKey,
    },
  });

  return {
    /** The verified release: what the next run keeps when nobody names another. */
    release: entry.release,
    urls,
    /** What `affexai <verb> --stack` works on. */
    targets: {
      environment,
      bucket: storage.backupBucket,
      keepBackupDays: behaviour.keepBackupDays,
      database: database.database,
      roles: { migrator: roles.migrator, app: roles.app, backup: roles.backup },
      placement,
      applications: applications.map((application) => ({
        ...application,
        uuids: application.name === "backend" ? backend.uuids : frontend.uuids,
      })),
      criticalPaths,
      ...(maintenance === undefined ? {} : { maintenance }),
      ...(config.tools?.recipients === undefined ? {} : { recipients: config.tools.recipients }),
      migrations: config.migrations,
      github: { owner: config.github.owner, repository: config.github.repository },
    },
    databaseUrl: roles.migratorUrl,
    backupDatabaseUrl: roles.backupUrl,
    adminDatabaseUrl: database.adminUrl,
    /** Empty where the database is reached directly. */
    databaseSsh: ssh ?? "",
    /** Who may delete backups. Nobody else may, whoever runs this program included. */
    pruner: { accessKeyId: backups.pruner.accessKeyId, secretAccessKey: backups.pruner.secretAccessKey },
  };
}

/** Where users reach a host, without a trailing slash. */
function publicUrl({ behaviour, routes }: Config, host: string): string {
  const port = routes.publicPort === undefined ? "" : `:${routes.publicPort}`;
  return `${behaviour.tls ? "https" : "http"}://${host}${port}`;
}

/** The files of each of the site's builds are asked of the containers that have them. */
function assetsOf({ frontendAssets: id }: DeclaredRelease["record"]) {
  return id === undefined ? {} : { assets: { pathPrefix: "/_next/static/", query: "dpl", id } };
}
