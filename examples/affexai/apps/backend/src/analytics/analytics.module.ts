import { Module } from "@nestjs/common";
import { TypeOrmModule } from "@nestjs/typeorm";
import { AnalyticsEvent } from "./analytics-event.entity";
import { AnalyticsController } from "./analytics.controller";

@Module({ imports: [TypeOrmModule.forFeature([AnalyticsEvent])], controllers: [AnalyticsController] })
export class AnalyticsModule {}
