import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryGeneratedColumn } from "typeorm";
import { Page } from "./page.entity";

@Entity("components")
@Index("components_page_position", ["pageId", "position"], { unique: true })
export class PageComponent {
  @PrimaryGeneratedColumn("uuid", { primaryKeyConstraintName: "components_pkey" })
  id: string;

  @Column({ name: "page_id", type: "uuid" })
  pageId: string;

  @ManyToOne(() => Page, (page) => page.components, { onDelete: "CASCADE" })
  @JoinColumn({ name: "page_id", foreignKeyConstraintName: "components_page_id_fkey" })
  page?: Page;

  @Column({ type: "integer" })
  position: number;

  @Column({ type: "varchar", length: 50 })
  type: string;

  @Column({ type: "jsonb", default: {} })
  content: Record<string, string>;
}
