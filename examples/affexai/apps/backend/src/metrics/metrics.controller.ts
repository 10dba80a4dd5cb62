import type { ReleaseIdentity } from "@affexai/lifecycle";
import { Controller, Get, Header, Inject } from "@nestjs/common";
import { InjectDataSource } from "@nestjs/typeorm";
import { Pool } from "pg";
import { collectDefaultMetrics, Gauge, register } from "prom-client";
import { DataSource } from "typeorm";
import { PostgresDriver } from "typeorm/driver/postgres/PostgresDriver.js";
import { Public } from "../auth/access";
import { EmailQueue } from "../campaigns/email-queue";
import { ENVIRONMENT, RELEASE } from "../config/config.module";
import type { Environment } from "../config/schema";

@Controller("metrics")
export class MetricsController {
  constructor(
    @InjectDataSource() dataSource: DataSource,
    queue: EmailQueue,
    @Inject(ENVIRONMENT) environment: Environment,
    @Inject(RELEASE) release: ReleaseIdentity,
  ) {
    collectDefaultMetrics();
    new Gauge({ name: "affexai_release_info", help: "Always 1.", labelNames: ["release", "git_sha"] }).set(
      { release: release.release, git_sha: release.gitSha },
      1,
    );
    new Gauge({ name: "database_connections_max", help: "Size of the pool." }).set(environment.DATABASE_POOL_SIZE);
    new Gauge({
      name: "database_connections_active",
      help: "Connections of the pool in use.",
      collect() {
        this.set(busyConnections(dataSource));
      },
    });
    new Gauge({
      name: "bullmq_queue_waiting",
      help: "Jobs that wait. Absent while Redis is away.",
      labelNames: ["queue"],
      async collect() {
        this.reset();
        const waiting = await Promise.race([queue.waiting(), tooLong(1_000)]).catch(() => undefined);
        if (waiting !== undefined) this.set({ queue: "email" }, waiting);
      },
    });
  }

  @Get()
  @Public()
  @Header("Content-Type", register.contentType)
  metrics(): Promise<string> {
    return register.metrics();
  }
}

function busyConnections(dataSource: DataSource): number {
  const pool: unknown = dataSource.driver instanceof PostgresDriver ? dataSource.driver.master : undefined;
  return pool instanceof Pool ? pool.totalCount - pool.idleCount : 0;
}

function tooLong(milliseconds: number): Promise<undefined> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds, undefined));
}
