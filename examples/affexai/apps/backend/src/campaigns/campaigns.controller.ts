import { Body, Controller, Get, HttpCode, Param, ParseUUIDPipe, Post } from "@nestjs/common";
import { z } from "zod";
import { Admin } from "../auth/access";
import { Checked } from "../http/checked.pipe";
import { CampaignsService, type CampaignView } from "./campaigns.service";

const NewCampaign = z.strictObject({
  subject: z.string().min(1).max(200),
  body: z.string().min(1).max(100_000),
  recipients: z.array(z.email().max(255)).min(1).max(10_000),
});

@Controller("api/campaigns")
@Admin()
export class CampaignsController {
  constructor(private readonly campaigns: CampaignsService) {}

  @Post()
  create(@Body(new Checked(NewCampaign)) campaign: z.output<typeof NewCampaign>): Promise<CampaignView> {
    return this.campaigns.create(campaign);
  }

  @Get(":id")
  show(@Param("id", ParseUUIDPipe) id: string): Promise<CampaignView> {
    return this.campaigns.show(id);
  }

  @Post(":id/send")
  @HttpCode(202)
  send(@Param("id", ParseUUIDPipe) id: string): Promise<CampaignView> {
    return this.campaigns.queueForSending(id);
  }
}
