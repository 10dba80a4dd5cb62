import type { MigrationInterface, QueryRunner } from "typeorm";

export class AddPageSeoMetadata1765000000000 implements MigrationInterface {
  name = "AddPageSeoMetadata1765000000000";

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE "pages" ADD COLUMN "seo_metadata" jsonb NOT NULL DEFAULT '{}'`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE "pages" DROP COLUMN "seo_metadata"`);
  }
}
