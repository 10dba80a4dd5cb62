import { S3Client } from "@aws-sdk/client-s3";
import { Global, Module } from "@nestjs/common";
import { ENVIRONMENT } from "../config/config.module";
import type { Environment } from "../config/schema";

export const STORAGE = Symbol("storage");

/** The client for uploads. Another service than AWS is addressed by path: its bucket names need not resolve. */
@Global()
@Module({
  providers: [
    {
      provide: STORAGE,
      inject: [ENVIRONMENT],
      useFactory: (environment: Environment) =>
        new S3Client({
          region: environment.AWS_REGION,
          credentials: {
            accessKeyId: environment.AWS_ACCESS_KEY_ID,
            secretAccessKey: environment.AWS_SECRET_ACCESS_KEY,
          },
          ...(environment.AWS_ENDPOINT_URL === undefined
            ? {}
            : { endpoint: environment.AWS_ENDPOINT_URL, forcePathStyle: true }),
          maxAttempts: 2,
        }),
    },
  ],
  exports: [STORAGE],
})
export class StorageModule {}
