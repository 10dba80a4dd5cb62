import { AnalyticsEvent } from "../analytics/analytics-event.entity";
import { EmailCampaign } from "../campaigns/email-campaign.entity";
import { OutboxEmail } from "../campaigns/outbox-email.entity";
import { ChatMessage } from "../chat/chat-message.entity";
import { Media } from "../cms/media.entity";
import { PageComponent } from "../cms/page-component.entity";
import { Page } from "../cms/page.entity";
import { Setting } from "../settings/setting.entity";
import { SystemLog } from "../system/system-log.entity";
import { Ticket } from "../tickets/ticket.entity";
import { User } from "../users/user.entity";

/** Every table the application maps; the release record's entity contract is made from these. */
export const entities = [
  AnalyticsEvent,
  ChatMessage,
  EmailCampaign,
  Media,
  OutboxEmail,
  Page,
  PageComponent,
  Setting,
  SystemLog,
  Ticket,
  User,
];
