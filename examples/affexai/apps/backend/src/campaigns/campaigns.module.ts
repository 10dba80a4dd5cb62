import { Module } from "@nestjs/common";
import { TypeOrmModule } from "@nestjs/typeorm";
import { CampaignsController } from "./campaigns.controller";
import { CampaignsService } from "./campaigns.service";
import { EmailCampaign } from "./email-campaign.entity";
import { EmailQueue } from "./email-queue";
import { EmailSender } from "./email-sender";
import { OutboxEmail } from "./outbox-email.entity";

@Module({
  imports: [TypeOrmModule.forFeature([EmailCampaign, OutboxEmail])],
  controllers: [CampaignsController],
  providers: [CampaignsService, EmailQueue, EmailSender],
  exports: [CampaignsService, EmailQueue],
})
export class CampaignsModule {}
