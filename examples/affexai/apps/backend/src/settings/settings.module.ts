import { Global, Module } from "@nestjs/common";
import { APP_GUARD } from "@nestjs/core";
import { TypeOrmModule } from "@nestjs/typeorm";
import { RateLimitGuard } from "./rate-limit.guard";
import { Setting } from "./setting.entity";
import { SettingsController } from "./settings.controller";
import { SettingsService } from "./settings.service";

@Global()
@Module({
  imports: [TypeOrmModule.forFeature([Setting])],
  controllers: [SettingsController],
  providers: [SettingsService, { provide: APP_GUARD, useClass: RateLimitGuard }],
  exports: [SettingsService],
})
export class SettingsModule {}
