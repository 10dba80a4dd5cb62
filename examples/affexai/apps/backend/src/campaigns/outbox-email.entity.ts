import { Column, CreateDateColumn, Entity, Index, JoinColumn, ManyToOne, PrimaryGeneratedColumn } from "typeorm";
import { EmailCampaign } from "./email-campaign.entity";

/** An e-mail handed over for delivery. One per campaign and recipient, however often the job is tried. */
@Entity("outbox_emails")
@Index("outbox_emails_once", ["campaignId", "recipient"], { unique: true })
export class OutboxEmail {
  @PrimaryGeneratedColumn("uuid", { primaryKeyConstraintName: "outbox_emails_pkey" })
  id: string;

  @Column({ name: "campaign_id", type: "uuid" })
  campaignId: string;

  @ManyToOne(() => EmailCampaign, { onDelete: "CASCADE" })
  @JoinColumn({ name: "campaign_id", foreignKeyConstraintName: "outbox_emails_campaign_id_fkey" })
  campaign?: EmailCampaign;

  @Column({ type: "varchar", length: 255 })
  recipient: string;

  @Column({ type: "varchar", length: 200 })
  subject: string;

  @Column({ type: "text" })
  body: string;

  @CreateDateColumn({ name: "created_at", type: "timestamptz" })
  createdAt: Date;
}
