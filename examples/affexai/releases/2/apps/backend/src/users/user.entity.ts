import { Column, CreateDateColumn, Entity, PrimaryGeneratedColumn, Unique } from "typeorm";

@Entity("users")
@Unique("users_email_key", ["email"])
export class User {
  @PrimaryGeneratedColumn("uuid", { primaryKeyConstraintName: "users_pkey" })
  id: string;

  @Column({ type: "varchar", length: 255 })
  email: string;

  @Column({ type: "varchar", length: 255 })
  name: string;

  /** Takes the place of `name`. Null in rows that the release before this one wrote. */
  @Column({ name: "full_name", type: "varchar", length: 255, nullable: true })
  fullName: string | null;

  @Column({ type: "varchar", length: 20, default: "member" })
  role: "admin" | "member";

  /** As `hashPassword` writes it. Never selected unless asked for, so that no answer or log holds it by accident. */
  @Column({ name: "password_hash", type: "varchar", length: 255, select: false })
  passwordHash: string;

  @CreateDateColumn({ name: "created_at", type: "timestamptz" })
  createdAt: Date;
}
