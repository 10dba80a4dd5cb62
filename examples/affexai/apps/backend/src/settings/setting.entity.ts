import { Column, Entity, PrimaryColumn, UpdateDateColumn } from "typeorm";

@Entity("settings")
export class Setting {
  @PrimaryColumn({ type: "varchar", length: 50, primaryKeyConstraintName: "settings_pkey" })
  key: string;

  @Column({ type: "jsonb" })
  value: Record<string, unknown>;

  @UpdateDateColumn({ name: "updated_at", type: "timestamptz" })
  updatedAt: Date;
}
