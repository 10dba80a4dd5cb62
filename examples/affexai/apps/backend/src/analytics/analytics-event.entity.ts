import { Column, CreateDateColumn, Entity, Index, PrimaryGeneratedColumn } from "typeorm";

@Entity("analytics_events")
@Index("analytics_events_name_created_at", ["name", "createdAt"])
export class AnalyticsEvent {
  /** 64 bits, so text in JavaScript. */
  @PrimaryGeneratedColumn("identity", {
    type: "bigint",
    generatedIdentity: "ALWAYS",
    primaryKeyConstraintName: "analytics_events_pkey",
  })
  id: string;

  @Column({ type: "varchar", length: 100 })
  name: string;

  @Column({ type: "jsonb", default: {} })
  properties: Record<string, unknown>;

  @Column({ name: "ip_address", type: "inet", nullable: true })
  ipAddress: string | null;

  @CreateDateColumn({ name: "created_at", type: "timestamptz" })
  createdAt: Date;
}
