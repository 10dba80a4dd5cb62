import type { VersionView } from "@affexai/shared-types";
import { Controller, Get, Inject } from "@nestjs/common";
import { Admin, Public } from "../auth/access";
import { RELEASE } from "../config/config.module";
import { History } from "./history";
import type { SystemLog } from "./system-log.entity";

@Controller()
export class SystemController {
  constructor(
    private readonly history: History,
    @Inject(RELEASE) private readonly release: VersionView,
  ) {}

  @Get("version")
  @Public()
  version(): VersionView {
    return this.release;
  }

  @Get("api/system/deployments")
  @Admin()
  deployments(): Promise<SystemLog[]> {
    return this.history.list("DEPLOYMENT");
  }

  @Get("api/system/migrations")
  @Admin()
  migrations(): Promise<SystemLog[]> {
    return this.history.list("MIGRATION");
  }
}
