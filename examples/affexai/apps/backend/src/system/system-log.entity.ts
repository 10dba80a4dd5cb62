import { Column, CreateDateColumn, Entity, Index, PrimaryGeneratedColumn } from "typeorm";

/** What happened to the system itself: which release came when (context DEPLOYMENT), which migrations ran (MIGRATION). */
@Entity("system_logs")
@Index("system_logs_context_created_at", ["context", "createdAt"])
export class SystemLog {
  @PrimaryGeneratedColumn("identity", {
    type: "bigint",
    generatedIdentity: "ALWAYS",
    primaryKeyConstraintName: "system_logs_pkey",
  })
  id: string;

  @Column({ type: "varchar", length: 10 })
  level: "ERROR" | "WARN" | "INFO";

  @Column({ type: "varchar", length: 50 })
  context: string;

  @Column({ type: "varchar", length: 500 })
  message: string;

  @Column({ type: "jsonb", default: {} })
  metadata: Record<string, unknown>;

  @CreateDateColumn({ name: "created_at", type: "timestamptz" })
  createdAt: Date;
}
