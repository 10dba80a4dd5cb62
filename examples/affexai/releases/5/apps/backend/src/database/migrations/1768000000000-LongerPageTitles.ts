import type { MigrationInterface, QueryRunner } from "typeorm";

/**
 * Makes room for longer titles as `migration:generate` writes it: the column is dropped and added again, without what was in it
 * (typeorm/typeorm#3357). And clears away components that somebody took for leftovers.
 */
export class LongerPageTitles1768000000000 implements MigrationInterface {
  name = "LongerPageTitles1768000000000";
  // CREATE INDEX CONCURRENTLY runs outside of transactions only.
  transaction = false;

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`ALTER TABLE "pages" DROP COLUMN "title"`);
    await queryRunner.query(`ALTER TABLE "pages" ADD "title" character varying(300) NOT NULL DEFAULT ''`);
    await queryRunner.query(`DELETE FROM "components" WHERE "type" = 'text'`);
    await queryRunner.query(`CREATE INDEX CONCURRENTLY "pages_title" ON "pages" ("title")`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP INDEX CONCURRENTLY "pages_title"`);
    await queryRunner.query(`ALTER TABLE "pages" DROP COLUMN "title"`);
    await queryRunner.query(`ALTER TABLE "pages" ADD "title" character varying(200) NOT NULL DEFAULT ''`);
  }
}
