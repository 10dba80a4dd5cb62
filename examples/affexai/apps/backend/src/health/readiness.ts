import { currentDrain } from "@affexai/lifecycle";
import type { S3Client } from "@aws-sdk/client-s3";
import { Inject, Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from "@nestjs/common";
import { InjectDataSource } from "@nestjs/typeorm";
import type { Redis } from "ioredis";
import { DataSource } from "typeorm";
import { ENVIRONMENT } from "../config/config.module";
import type { Environment } from "../config/schema";
import { REDIS } from "../redis/redis.module";
import { STORAGE } from "../storage/storage.module";
import { dependencies } from "./dependencies";
import { DependencyWatch } from "./dependency";
import { pendingMigrations } from "./pending-migrations";
import { Startup } from "./startup";

/** Whether requests should be sent here, and if not, why. */
@Injectable()
export class Readiness implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger("Readiness");
  private readonly watches: DependencyWatch[];
  private pending: string[] | undefined;
  private started = false;
  private starting: Promise<void> | undefined;

  constructor(
    @InjectDataSource() private readonly dataSource: DataSource,
    private readonly startup: Startup,
    @Inject(REDIS) redis: Redis,
    @Inject(STORAGE) storage: S3Client,
    @Inject(ENVIRONMENT) environment: Environment,
  ) {
    const connections = { database: dataSource, redis, storage, bucket: environment.AWS_S3_BUCKET };
    this.watches = dependencies(connections).map((each) => new DependencyWatch(each, () => this.consider()));
  }

  onApplicationBootstrap(): void {
    for (const watch of this.watches) watch.start();
  }

  onApplicationShutdown(): void {
    for (const watch of this.watches) watch.stop();
  }

  /** Whether it was ready once. */
  get hasStarted(): boolean {
    return this.started;
  }

  /** Each part with its failure, undefined when there is none. */
  parts(): { name: string; failure: string | undefined }[] {
    const phase = currentDrain()?.phase ?? "serving";
    return [
      ...this.watches.map(({ name, failure }) => ({ name, failure })),
      { name: "migrations", failure: this.migrationsFailure() },
      { name: "startup", failure: this.started ? undefined : "not finished" },
      { name: "draining", failure: phase === "serving" || phase === "leaving" ? undefined : `the process is ${phase}` },
    ];
  }

  /**
   * Migrations are judged until none is pending and never again: reverting one while this release still serves must not take
   * every replica out of the proxy at once. The rollback knows whether the schema suits the code.
   */
  private consider(): void {
    if (this.started || this.starting !== undefined) return;
    if (this.watches.some((watch) => watch.failure !== undefined)) return;
    this.starting = this.start()
      .catch((error: unknown) => this.logger.warn(error instanceof Error ? error.message : "start failed"))
      .finally(() => (this.starting = undefined));
  }

  private async start(): Promise<void> {
    this.pending = await pendingMigrations(this.dataSource);
    if (this.pending.length > 0) return;
    await this.startup.run();
    this.started = true;
    this.logger.log("ready");
  }

  private migrationsFailure(): string | undefined {
    if (this.pending === undefined) return "not judged yet";
    return this.pending.length === 0 ? undefined : `pending: ${this.pending.join(", ")}`;
  }
}
