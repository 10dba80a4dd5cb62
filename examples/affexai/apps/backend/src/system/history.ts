import type { ReleaseIdentity } from "@affexai/lifecycle";
import { Inject, Injectable } from "@nestjs/common";
import { InjectRepository } from "@nestjs/typeorm";
import { Repository } from "typeorm";
import { ENVIRONMENT, RELEASE } from "../config/config.module";
import type { Environment } from "../config/schema";
import { SystemLog } from "./system-log.entity";

/** The system's own history: which release came when, and which migrations were run. */
@Injectable()
export class History {
  constructor(
    @InjectRepository(SystemLog) private readonly logs: Repository<SystemLog>,
    @Inject(RELEASE) private readonly release: ReleaseIdentity,
    @Inject(ENVIRONMENT) private readonly environment: Environment,
  ) {}

  /** Records that this release serves, unless the newest entry says so already: replicas and restarts add nothing. */
  async recordDeployment(): Promise<void> {
    const metadata = { ...this.release, environment: this.environment.APP_ENVIRONMENT };
    await this.logs.query(
      `INSERT INTO "system_logs" ("level", "context", "message", "metadata")
       SELECT 'INFO', 'DEPLOYMENT', $1, $2::jsonb
       WHERE $2::jsonb IS DISTINCT FROM
         (SELECT "metadata" FROM "system_logs" WHERE "context" = 'DEPLOYMENT' ORDER BY "id" DESC LIMIT 1)`,
      [`Deployment completed: ${this.release.release}`, JSON.stringify(metadata)],
    );
  }

  /** Copies what TypeORM's history table says into the log, which keeps it when a migration is reverted later. */
  async recordMigrations(): Promise<void> {
    await this.logs.query(
      `INSERT INTO "system_logs" ("level", "context", "message", "metadata")
       SELECT 'INFO', 'MIGRATION', "name", jsonb_build_object('timestamp', "timestamp"::text)
       FROM "migrations" AS applied
       WHERE NOT EXISTS (SELECT FROM "system_logs" WHERE "context" = 'MIGRATION' AND "message" = applied."name")
       ORDER BY applied."id"`,
    );
  }

  /** The newest first. */
  async list(context: "DEPLOYMENT" | "MIGRATION", limit = 50): Promise<SystemLog[]> {
    return this.logs.find({ where: { context }, order: { createdAt: "DESC", id: "DESC" }, take: limit });
  }
}
