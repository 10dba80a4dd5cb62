import type { MigrationInterface, QueryRunner } from "typeorm";

/** The pages that the site needs to exist at all. Editors change them later: running this again leaves them alone. */
export class SeedContent1760000001000 implements MigrationInterface {
  name = "SeedContent1760000001000";

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`INSERT INTO "pages" ("slug", "title", "published") VALUES
      ('home', 'Affexai', true),
      ('about', 'About us', true)
      ON CONFLICT ("slug") DO NOTHING`);
    await queryRunner.query(`INSERT INTO "components" ("page_id", "position", "type", "content")
      SELECT "pages"."id", seed."position", seed."type", seed."content"::jsonb
      FROM "pages" JOIN (VALUES
        ('home', 0, 'hero', '{"heading": "Support that answers", "text": "Tickets, campaigns and chat in one place."}'),
        ('home', 1, 'text', '{"text": "Open a ticket without an account: we answer by e-mail."}'),
        ('about', 0, 'text', '{"text": "We build tools for support teams."}')
      ) AS seed ("slug", "position", "type", "content") ON seed."slug" = "pages"."slug"
      ON CONFLICT ("page_id", "position") DO NOTHING`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DELETE FROM "pages" WHERE "slug" IN ('home', 'about')`);
  }
}
