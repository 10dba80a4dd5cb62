import { Column, CreateDateColumn, Entity, PrimaryGeneratedColumn } from "typeorm";

@Entity("email_campaigns")
export class EmailCampaign {
  @PrimaryGeneratedColumn("uuid", { primaryKeyConstraintName: "email_campaigns_pkey" })
  id: string;

  @Column({ type: "varchar", length: 200 })
  subject: string;

  @Column({ type: "text" })
  body: string;

  @Column({ type: "jsonb" })
  recipients: string[];

  @Column({ type: "varchar", length: 20, default: "draft" })
  status: "draft" | "queued" | "sent";

  @CreateDateColumn({ name: "created_at", type: "timestamptz" })
  createdAt: Date;

  @Column({ name: "sent_at", type: "timestamptz", nullable: true })
  sentAt: Date | null;
}
