import { Body, Controller, HttpCode, Ip, Post } from "@nestjs/common";
import { InjectRepository } from "@nestjs/typeorm";
import { Repository } from "typeorm";
import { z } from "zod";
import { Public } from "../auth/access";
import { Checked } from "../http/checked.pipe";
import { SettingsService } from "../settings/settings.service";
import { AnalyticsEvent } from "./analytics-event.entity";

const NewEvent = z.strictObject({
  name: z.enum(["page_view"]),
  properties: z.record(z.string().max(50), z.string().max(500)).default({}),
});

@Controller("api/analytics/events")
export class AnalyticsController {
  constructor(
    @InjectRepository(AnalyticsEvent) private readonly events: Repository<AnalyticsEvent>,
    private readonly settings: SettingsService,
  ) {}

  @Post()
  @Public()
  @HttpCode(202)
  async record(@Body(new Checked(NewEvent)) event: z.output<typeof NewEvent>, @Ip() ipAddress: string): Promise<void> {
    if (!(await this.settings.read("feature-flags")).analytics) return;
    await this.events.insert({ ...event, ipAddress });
  }
}
