import type { ReleaseRecord } from "../operations/release/spec.ts";

/** A well-formed release record; a test bends what it is about. */
export const record = {
  version: 1,
  id: "2026.11.1",
  gitSha: "0123456789abcdef0123456789abcdef01234567",
  createdAt: "2026-11-23T17:00:00Z",
  images: {
    backend: `ghcr.io/affexai/backend@sha256:${"a".repeat(64)}`,
    frontend: `ghcr.io/affexai/frontend@sha256:${"f".repeat(64)}`,
  },
  migrations: [
    {
      name: "CreateUsers1700000000000",
      sha256: "c".repeat(64),
      statements: ["CREATE TABLE users (id uuid PRIMARY KEY)"],
      class: "SAFE",
      findings: [],
      hasDown: true,
      downProven: true,
      rehearsal: null,
      transaction: true,
      expects: { deletes: {}, updates: {}, remains: [] },
    },
  ],
  contract: { users: { columns: { id: { type: "uuid", nullable: false, insertable: true } } } },
  typeorm: { synchronize: false, dropSchema: false, migrationsRun: false },
  maintenance: false,
} as const satisfies ReleaseRecord;
