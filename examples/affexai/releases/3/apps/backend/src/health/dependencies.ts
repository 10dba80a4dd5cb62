import { HeadBucketCommand, type S3Client } from "@aws-sdk/client-s3";
import type { Redis } from "ioredis";
import type { DataSource } from "typeorm";
import type { Dependency } from "./dependency";

export interface Connections {
  database: DataSource;
  redis: Redis;
  storage: S3Client;
  bucket: string;
}

/** What this release cannot serve without. */
export function dependencies({ database, redis, storage, bucket }: Connections): Dependency[] {
  return [
    {
      name: "database",
      intervalMs: 1_000,
      check: async () => {
        await database.query("SELECT 1");
      },
    },
    {
      name: "search",
      intervalMs: 1_000,
      check: async () => {
        await database.query(`SELECT 1 FROM "ticket_search" LIMIT 1`);
      },
    },
    {
      name: "redis",
      intervalMs: 1_000,
      check: async () => {
        await redis.ping();
      },
    },
    {
      name: "object-storage",
      intervalMs: 2_000,
      check: async () => {
        await storage.send(new HeadBucketCommand({ Bucket: bucket }), { abortSignal: AbortSignal.timeout(3_000) });
      },
    },
  ];
}
