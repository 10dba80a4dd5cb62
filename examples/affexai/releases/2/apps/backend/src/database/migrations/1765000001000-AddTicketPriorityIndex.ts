import type { MigrationInterface, QueryRunner } from "typeorm";

export class AddTicketPriorityIndex1765000001000 implements MigrationInterface {
  name = "AddTicketPriorityIndex1765000001000";

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`CREATE INDEX "tickets_priority_status" ON "tickets" ("priority", "status")`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP INDEX "tickets_priority_status"`);
  }
}
