import { Module } from "@nestjs/common";
import { TerminusModule } from "@nestjs/terminus";
import { CampaignsModule } from "../campaigns/campaigns.module";
import { SystemModule } from "../system/system.module";
import { UsersModule } from "../users/users.module";
import { HealthController } from "./health.controller";
import { Readiness } from "./readiness";
import { Startup } from "./startup";

@Module({
  imports: [TerminusModule.forRoot({ logger: false }), CampaignsModule, SystemModule, UsersModule],
  controllers: [HealthController],
  providers: [Readiness, Startup],
})
export class HealthModule {}
