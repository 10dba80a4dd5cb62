import { Injectable, NotFoundException, ServiceUnavailableException } from "@nestjs/common";
import { InjectRepository } from "@nestjs/typeorm";
import { Repository } from "typeorm";
import { emailsSentTotal } from "../metrics/metrics";
import { SettingsService } from "../settings/settings.service";
import { EmailCampaign } from "./email-campaign.entity";
import { type CampaignJob, EmailQueue } from "./email-queue";
import { EmailSender } from "./email-sender";

export interface CampaignView {
  id: string;
  subject: string;
  status: EmailCampaign["status"];
  recipients: number;
  sent: number;
}

@Injectable()
export class CampaignsService {
  constructor(
    @InjectRepository(EmailCampaign) private readonly campaigns: Repository<EmailCampaign>,
    private readonly queue: EmailQueue,
    private readonly sender: EmailSender,
    private readonly settings: SettingsService,
  ) {}

  async create(campaign: Pick<EmailCampaign, "subject" | "body" | "recipients">): Promise<CampaignView> {
    return this.view(await this.campaigns.save(this.campaigns.create(campaign)));
  }

  async show(id: string): Promise<CampaignView> {
    return this.view(await this.find(id));
  }

  /** Queues the campaign; a second call changes nothing. */
  async queueForSending(id: string): Promise<CampaignView> {
    if (!(await this.settings.read("feature-flags")).emailMarketing) {
      throw new ServiceUnavailableException("E-mail marketing is switched off.");
    }
    await this.find(id);
    await this.campaigns.update({ id, status: "draft" }, { status: "queued" });
    await this.queue.add(id);
    return this.show(id);
  }

  startSending(): void {
    this.queue.work((job) => this.send(job));
  }

  /** Sends one e-mail per recipient; run again after a crash, it goes on where it was. */
  private async send({ campaignId }: CampaignJob): Promise<void> {
    const { subject, body, recipients } = await this.find(campaignId);
    for (const recipient of recipients) {
      await this.sender.send({ campaignId, recipient, subject, body });
      emailsSentTotal.inc();
    }
    await this.campaigns.update({ id: campaignId, status: "queued" }, { status: "sent", sentAt: new Date() });
  }

  private async find(id: string): Promise<EmailCampaign> {
    const campaign = await this.campaigns.findOneBy({ id });
    if (campaign === null) throw new NotFoundException("There is no such campaign.");
    return campaign;
  }

  private async view({ id, subject, status, recipients }: EmailCampaign): Promise<CampaignView> {
    return { id, subject, status, recipients: recipients.length, sent: await this.sender.sentCount(id) };
  }
}
