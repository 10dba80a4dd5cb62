import type { MigrationInterface, QueryRunner } from "typeorm";

/** Second half of renaming "name", too early: the release that serves still reads it. */
export class DropUserName1767000000000 implements MigrationInterface {
  name = "DropUserName1767000000000";

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE "users" DROP COLUMN "name"`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE "users" ADD COLUMN "name" character varying(255) NOT NULL DEFAULT ''`);
  }
}
