import { Column, CreateDateColumn, Entity, Index, PrimaryGeneratedColumn } from "typeorm";

@Entity("chat_messages")
@Index("chat_messages_created_at", ["createdAt"])
export class ChatMessage {
  @PrimaryGeneratedColumn("uuid", { primaryKeyConstraintName: "chat_messages_pkey" })
  id: string;

  /** The name that was shown; kept when the user is renamed or removed. */
  @Column({ type: "varchar", length: 255 })
  author: string;

  @Column({ type: "varchar", length: 2000 })
  text: string;

  @CreateDateColumn({ name: "created_at", type: "timestamptz" })
  createdAt: Date;
}
