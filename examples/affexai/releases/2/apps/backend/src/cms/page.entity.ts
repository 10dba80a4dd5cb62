import { Column, CreateDateColumn, Entity, OneToMany, PrimaryGeneratedColumn, UpdateDateColumn, Unique } from "typeorm";
import { PageComponent } from "./page-component.entity";

@Entity("pages")
@Unique("pages_slug_key", ["slug"])
export class Page {
  @PrimaryGeneratedColumn("uuid", { primaryKeyConstraintName: "pages_pkey" })
  id: string;

  @Column({ type: "varchar", length: 100 })
  slug: string;

  @Column({ type: "varchar", length: 200 })
  title: string;

  @Column({ type: "boolean", default: false })
  published: boolean;

  /** For search engines: rendered as <meta name="key" content="value">. */
  @Column({ name: "seo_metadata", type: "jsonb", default: {} })
  seoMetadata: Record<string, string>;

  @OneToMany(() => PageComponent, (component) => component.page)
  components?: PageComponent[];

  @CreateDateColumn({ name: "created_at", type: "timestamptz" })
  createdAt: Date;

  @UpdateDateColumn({ name: "updated_at", type: "timestamptz" })
  updatedAt: Date;
}
