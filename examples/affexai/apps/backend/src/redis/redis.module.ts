import { Global, Inject, Logger, Module, type OnApplicationShutdown } from "@nestjs/common";
import { Redis } from "ioredis";
import { ENVIRONMENT } from "../config/config.module";
import type { Environment } from "../config/schema";

export const REDIS = Symbol("redis");

/**
 * One connection for short commands. They fail after 2 s rather than wait for a Redis that is away, so that a request never hangs.
 * Queue workers and subscribers block their connection and make their own.
 */
@Global()
@Module({
  providers: [
    {
      provide: REDIS,
      inject: [ENVIRONMENT],
      useFactory: (environment: Environment) => {
        const logger = new Logger("Redis");
        const redis = new Redis(environment.REDIS_URL, { commandTimeout: 2_000, maxRetriesPerRequest: 1 });
        return redis.on("error", (error) => logger.warn(`connection: ${error.message}`));
      },
    },
  ],
  exports: [REDIS],
})
export class RedisModule implements OnApplicationShutdown {
  constructor(@Inject(REDIS) private readonly redis: Redis) {}

  onApplicationShutdown(): void {
    this.redis.disconnect();
  }
}
