import { Module } from "@nestjs/common";
import { TypeOrmModule } from "@nestjs/typeorm";
import { ENVIRONMENT } from "../config/config.module";
import type { Environment } from "../config/schema";
import { dataSourceOptions } from "./data-source";
import { outliveItsSession } from "./session-loss";

/** TypeORM on the configured database. Only development may let it change the schema; the configuration's check refuses it elsewhere. */
@Module({
  imports: [
    TypeOrmModule.forRootAsync({
      inject: [ENVIRONMENT],
      useFactory: (environment: Environment) => ({
        ...dataSourceOptions,
        url: environment.DATABASE_URL,
        synchronize: environment.DATABASE_SYNCHRONIZE,
        poolSize: environment.DATABASE_POOL_SIZE,
        connectTimeoutMS: 3_000,
        extra: { query_timeout: 30_000, keepAlive: true, onConnect: outliveItsSession },
        retryAttempts: 10,
        retryDelay: 2_000,
      }),
    }),
  ],
})
export class DatabaseModule {}
