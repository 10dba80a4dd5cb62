import type { TicketPriority, TicketStatus } from "@affexai/shared-types";
import {
  Column,
  CreateDateColumn,
  Entity,
  Index,
  JoinColumn,
  ManyToOne,
  PrimaryGeneratedColumn,
  UpdateDateColumn,
} from "typeorm";
import { User } from "../users/user.entity";

@Entity("tickets")
@Index("tickets_priority_status", ["priority", "status"])
export class Ticket {
  @PrimaryGeneratedColumn("uuid", { primaryKeyConstraintName: "tickets_pkey" })
  id: string;

  @Column({ type: "varchar", length: 200 })
  subject: string;

  @Column({ type: "text" })
  body: string;

  /** Where the answer goes; customers need no account. */
  @Column({ type: "varchar", length: 255 })
  email: string;

  @Column({ type: "varchar", length: 20, default: "open" })
  status: TicketStatus;

  @Column({ type: "varchar", length: 20, default: "normal" })
  priority: TicketPriority;

  @Column({ name: "created_by", type: "uuid", nullable: true })
  createdById: string | null;

  @ManyToOne(() => User, { nullable: true, onDelete: "SET NULL" })
  @JoinColumn({ name: "created_by", foreignKeyConstraintName: "tickets_created_by_fkey" })
  createdBy?: User | null;

  @CreateDateColumn({ name: "created_at", type: "timestamptz" })
  createdAt: Date;

  @UpdateDateColumn({ name: "updated_at", type: "timestamptz" })
  updatedAt: Date;
}
