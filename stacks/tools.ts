import type * as pulumi from "@pulumi/pulumi";
import { BackupAgent } from "../components/backup-agent.ts";
import type { BackupStorage } from "../components/backup-storage.ts";
import { ContainerImage } from "../components/container-image.ts";
import type { DatabaseRoles } from "../components/database-roles.ts";
import type { PreviewProbe } from "../components/preview-probe.ts";
import { Maintenance } from "../components/maintenance.ts";
import type { MaintenanceTarget, Placement } from "../operations/coolify/spec.ts";
import type { LedgerLocation } from "../operations/release/spec.ts";
import { backupEncryption } from "./backup-encryption.ts";
import type { Config } from "./config.ts";
import { given } from "./given.ts";

interface Surroundings {
  placement: pulumi.Output<Placement>;
  backups: BackupStorage;
  roles: DatabaseRoles;
  ledger: LedgerLocation;
  /** The site of users, without a trailing slash. */
  site: string;
  preview: PreviewProbe | undefined;
}

/**
 * What runs from the image of this repository: the agent that looks after the backups, and the application that answers for the site
 * during maintenance. Neither is part of a release, and a stack that names no image has neither.
 */
export function declareTools(
  config: Config,
  { placement, backups, roles, ledger, site, preview }: Surroundings,
): { maintenance: pulumi.Output<MaintenanceTarget> | undefined } {
  const { environment, behaviour, routes, storage, tools } = config;
  if (tools === undefined) return { maintenance: undefined };
  const image = new ContainerImage("tools-image", { mode: "reference", image: tools.image }).reference;
  const maintenance = new Maintenance("maintenance", {
    placement,
    environment,
    image,
    hosts: [routes.backend, routes.frontend],
    tls: behaviour.tls,
    publicPort: routes.publicPort,
    url: site,
    ledger,
    preview,
  });
  new BackupAgent("backup", {
    placement,
    environment,
    image,
    cadence: behaviour.backupCadence,
    keepDays: behaviour.keepBackupDays,
    keepReplacedDays: behaviour.keepReplacedDays,
    storage: backups,
    region: storage.region,
    endpoint: storage.endpoint,
    ledger,
    app: roles.app,
    databaseUrl: roles.migratorUrl,
    backupDatabaseUrl: roles.backupUrl,
    encryption: backupEncryption(config),
    pageUrl: tools.pages === true ? given(config, "pageUrl") : undefined,
    maintenance:
      tools.coolifyUrl === undefined
        ? undefined
        : { target: maintenance.target, coolifyUrl: tools.coolifyUrl, token: given(config, "agentCoolifyToken") },
    health: behaviour.health,
    preview,
  });
  return { maintenance: maintenance.target };
}
