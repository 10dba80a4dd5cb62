import type { MigrationInterface, QueryRunner } from "typeorm";

/** First half of renaming "name": the old column stays until no release reads it. */
export class AddUserFullName1765000002000 implements MigrationInterface {
  name = "AddUserFullName1765000002000";

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE "users" ADD COLUMN "full_name" character varying(255)`);
    await queryRunner.query(`UPDATE "users" SET "full_name" = "name" WHERE "full_name" IS NULL`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE "users" DROP COLUMN "full_name"`);
  }
}
