import type { MigrationInterface, QueryRunner } from "typeorm";

export class CreateSchema1760000000000 implements MigrationInterface {
  name = "CreateSchema1760000000000";

  async up(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`CREATE TABLE "users" (
      "id" uuid NOT NULL DEFAULT gen_random_uuid(),
      "email" character varying(255) NOT NULL,
      "name" character varying(255) NOT NULL,
      "role" character varying(20) NOT NULL DEFAULT 'member',
      "password_hash" character varying(255) NOT NULL,
      "created_at" timestamp with time zone NOT NULL DEFAULT now(),
      CONSTRAINT "users_pkey" PRIMARY KEY ("id"),
      CONSTRAINT "users_email_key" UNIQUE ("email"))`);
    await queryRunner.query(`CREATE TABLE "tickets" (
      "id" uuid NOT NULL DEFAULT gen_random_uuid(),
      "subject" character varying(200) NOT NULL,
      "body" text NOT NULL,
      "email" character varying(255) NOT NULL,
      "status" character varying(20) NOT NULL DEFAULT 'open',
      "priority" character varying(20) NOT NULL DEFAULT 'normal',
      "created_by" uuid,
      "created_at" timestamp with time zone NOT NULL DEFAULT now(),
      "updated_at" timestamp with time zone NOT NULL DEFAULT now(),
      CONSTRAINT "tickets_pkey" PRIMARY KEY ("id"),
      CONSTRAINT "tickets_created_by_fkey" FOREIGN KEY ("created_by") REFERENCES "users" ("id") ON DELETE SET NULL)`);
    await queryRunner.query(`CREATE TABLE "pages" (
      "id" uuid NOT NULL DEFAULT gen_random_uuid(),
      "slug" character varying(100) NOT NULL,
      "title" character varying(200) NOT NULL,
      "published" boolean NOT NULL DEFAULT false,
      "created_at" timestamp with time zone NOT NULL DEFAULT now(),
      "updated_at" timestamp with time zone NOT NULL DEFAULT now(),
      CONSTRAINT "pages_pkey" PRIMARY KEY ("id"),
      CONSTRAINT "pages_slug_key" UNIQUE ("slug"))`);
    await queryRunner.query(`CREATE TABLE "components" (
      "id" uuid NOT NULL DEFAULT gen_random_uuid(),
      "page_id" uuid NOT NULL,
      "position" integer NOT NULL,
      "type" character varying(50) NOT NULL,
      "content" jsonb NOT NULL DEFAULT '{}',
      CONSTRAINT "components_pkey" PRIMARY KEY ("id"),
      CONSTRAINT "components_page_id_fkey" FOREIGN KEY ("page_id") REFERENCES "pages" ("id") ON DELETE CASCADE)`);
    await queryRunner.query(`CREATE UNIQUE INDEX "components_page_position" ON "components" ("page_id", "position")`);
    await queryRunner.query(`CREATE TABLE "media" (
      "id" uuid NOT NULL DEFAULT gen_random_uuid(),
      "object_key" character varying(255) NOT NULL,
      "file_name" character varying(255) NOT NULL,
      "content_type" character varying(100) NOT NULL,
      "size" integer NOT NULL,
      "created_at" timestamp with time zone NOT NULL DEFAULT now(),
      CONSTRAINT "media_pkey" PRIMARY KEY ("id"),
      CONSTRAINT "media_object_key_key" UNIQUE ("object_key"))`);
    await queryRunner.query(`CREATE TABLE "settings" (
      "key" character varying(50) NOT NULL,
      "value" jsonb NOT NULL,
      "updated_at" timestamp with time zone NOT NULL DEFAULT now(),
      CONSTRAINT "settings_pkey" PRIMARY KEY ("key"))`);
    await queryRunner.query(`CREATE TABLE "email_campaigns" (
      "id" uuid NOT NULL DEFAULT gen_random_uuid(),
      "subject" character varying(200) NOT NULL,
      "body" text NOT NULL,
      "recipients" jsonb NOT NULL,
      "status" character varying(20) NOT NULL DEFAULT 'draft',
      "created_at" timestamp with time zone NOT NULL DEFAULT now(),
      "sent_at" timestamp with time zone,
      CONSTRAINT "email_campaigns_pkey" PRIMARY KEY ("id"))`);
    await queryRunner.query(`CREATE TABLE "outbox_emails" (
      "id" uuid NOT NULL DEFAULT gen_random_uuid(),
      "campaign_id" uuid NOT NULL,
      "recipient" character varying(255) NOT NULL,
      "subject" character varying(200) NOT NULL,
      "body" text NOT NULL,
      "created_at" timestamp with time zone NOT NULL DEFAULT now(),
      CONSTRAINT "outbox_emails_pkey" PRIMARY KEY ("id"),
      CONSTRAINT "outbox_emails_campaign_id_fkey" FOREIGN KEY ("campaign_id") REFERENCES "email_campaigns" ("id") ON DELETE CASCADE)`);
    await queryRunner.query(`CREATE UNIQUE INDEX "outbox_emails_once" ON "outbox_emails" ("campaign_id", "recipient")`);
    await queryRunner.query(`CREATE TABLE "chat_messages" (
      "id" uuid NOT NULL DEFAULT gen_random_uuid(),
      "author" character varying(255) NOT NULL,
      "text" character varying(2000) NOT NULL,
      "created_at" timestamp with time zone NOT NULL DEFAULT now(),
      CONSTRAINT "chat_messages_pkey" PRIMARY KEY ("id"))`);
    await queryRunner.query(`CREATE INDEX "chat_messages_created_at" ON "chat_messages" ("created_at")`);
    await queryRunner.query(`CREATE TABLE "analytics_events" (
      "id" bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
      "name" character varying(100) NOT NULL,
      "properties" jsonb NOT NULL DEFAULT '{}',
      "ip_address" inet,
      "created_at" timestamp with time zone NOT NULL DEFAULT now(),
      CONSTRAINT "analytics_events_pkey" PRIMARY KEY ("id"))`);
    await queryRunner.query(
      `CREATE INDEX "analytics_events_name_created_at" ON "analytics_events" ("name", "created_at")`,
    );
    await queryRunner.query(`CREATE TABLE "system_logs" (
      "id" bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
      "level" character varying(10) NOT NULL,
      "context" character varying(50) NOT NULL,
      "message" character varying(500) NOT NULL,
      "metadata" jsonb NOT NULL DEFAULT '{}',
      "created_at" timestamp with time zone NOT NULL DEFAULT now(),
      CONSTRAINT "system_logs_pkey" PRIMARY KEY ("id"))`);
    await queryRunner.query(`CREATE INDEX "system_logs_context_created_at" ON "system_logs" ("context", "created_at")`);
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    await queryRunner.query(`DROP TABLE "system_logs"`);
    await queryRunner.query(`DROP TABLE "analytics_events"`);
    await queryRunner.query(`DROP TABLE "chat_messages"`);
    await queryRunner.query(`DROP TABLE "outbox_emails"`);
    await queryRunner.query(`DROP TABLE "email_campaigns"`);
    await queryRunner.query(`DROP TABLE "settings"`);
    await queryRunner.query(`DROP TABLE "media"`);
    await queryRunner.query(`DROP TABLE "components"`);
    await queryRunner.query(`DROP TABLE "pages"`);
    await queryRunner.query(`DROP TABLE "tickets"`);
    await queryRunner.query(`DROP TABLE "users"`);
  }
}
