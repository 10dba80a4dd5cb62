import { Column, CreateDateColumn, Entity, PrimaryGeneratedColumn, Unique } from "typeorm";

/** What is known about an upload; its bytes are in object storage under `objectKey`. */
@Entity("media")
@Unique("media_object_key_key", ["objectKey"])
export class Media {
  @PrimaryGeneratedColumn("uuid", { primaryKeyConstraintName: "media_pkey" })
  id: string;

  @Column({ name: "object_key", type: "varchar", length: 255 })
  objectKey: string;

  @Column({ name: "file_name", type: "varchar", length: 255 })
  fileName: string;

  @Column({ name: "content_type", type: "varchar", length: 100 })
  contentType: string;

  /** Bytes. */
  @Column({ type: "integer" })
  size: number;

  @CreateDateColumn({ name: "created_at", type: "timestamptz" })
  createdAt: Date;
}
