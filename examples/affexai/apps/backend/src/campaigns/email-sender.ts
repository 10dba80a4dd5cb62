import { Injectable } from "@nestjs/common";
import { InjectRepository } from "@nestjs/typeorm";
import { Repository } from "typeorm";
import { OutboxEmail } from "./outbox-email.entity";

export interface Email {
  campaignId: string;
  recipient: string;
  subject: string;
  body: string;
}

/** Hands e-mails over by writing them into the outbox table; nothing leaves the platform. A second hand-over of one e-mail is no e-mail. */
@Injectable()
export class EmailSender {
  constructor(@InjectRepository(OutboxEmail) private readonly outbox: Repository<OutboxEmail>) {}

  async send(email: Email): Promise<void> {
    await this.outbox.createQueryBuilder().insert().values(email).orIgnore().execute();
  }

  async sentCount(campaignId: string): Promise<number> {
    return this.outbox.countBy({ campaignId });
  }
}
