import path from "node:path";
import { type ReleaseIdentity, readRelease } from "@affexai/lifecycle";
import { Global, Module } from "@nestjs/common";
import { readEnvironment } from "./read-environment";
import type { Environment } from "./schema";

export const ENVIRONMENT = Symbol("environment");
export const RELEASE = Symbol("release");

/** The checked configuration and the identity of this release, for everybody. */
@Global()
@Module({
  providers: [
    { provide: ENVIRONMENT, useFactory: () => readEnvironment(process.env) },
    {
      provide: RELEASE,
      inject: [ENVIRONMENT],
      useFactory: (environment: Environment): ReleaseIdentity =>
        readRelease(path.join(__dirname, "..", "..", "release.json"), environment.AFFEXAI_IMAGE_DIGEST),
    },
  ],
  exports: [ENVIRONMENT, RELEASE],
})
export class ConfigModule {}
