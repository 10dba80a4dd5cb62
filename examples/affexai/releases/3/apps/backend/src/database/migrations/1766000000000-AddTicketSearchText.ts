import type { MigrationInterface, QueryRunner } from "typeorm";

export class AddTicketSearchText1766000000000 implements MigrationInterface {
  name = "AddTicketSearchText1766000000000";

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE "tickets" ADD COLUMN "search_text" text`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE "tickets" DROP COLUMN "search_text"`);
  }
}
