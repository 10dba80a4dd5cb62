import { Module } from "@nestjs/common";
import { AnalyticsModule } from "./analytics/analytics.module";
import { AuthModule } from "./auth/auth.module";
import { CampaignsModule } from "./campaigns/campaigns.module";
import { ChatModule } from "./chat/chat.module";
import { CmsModule } from "./cms/cms.module";
import { ConfigModule } from "./config/config.module";
import { DatabaseModule } from "./database/database.module";
import { HealthModule } from "./health/health.module";
import { MetricsController } from "./metrics/metrics.controller";
import { RedisModule } from "./redis/redis.module";
import { SettingsModule } from "./settings/settings.module";
import { StorageModule } from "./storage/storage.module";
import { SystemModule } from "./system/system.module";
import { TicketsModule } from "./tickets/tickets.module";
import { UpdatesModule } from "./updates/updates.module";
import { UsersModule } from "./users/users.module";

@Module({
  imports: [
    ConfigModule,
    DatabaseModule,
    RedisModule,
    StorageModule,
    SettingsModule,
    UpdatesModule,
    AuthModule,
    UsersModule,
    TicketsModule,
    CmsModule,
    CampaignsModule,
    ChatModule,
    AnalyticsModule,
    SystemModule,
    HealthModule,
  ],
  controllers: [MetricsController],
})
export class AppModule {}
