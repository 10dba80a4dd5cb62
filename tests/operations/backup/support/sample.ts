import type { Environment } from "../../database/support/platform.ts";

/** Tables of the common kinds, with 1,700 rows; made by the migrator, who owns them. */
export const sampleSchema = `
  CREATE TYPE mood AS ENUM ('good', 'bad');
  CREATE TABLE users (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email varchar(255) NOT NULL UNIQUE, mood mood,
                      changed timestamptz NOT NULL DEFAULT '2026-01-01T00:00:00Z');
  CREATE TABLE pages (id int PRIMARY KEY, owner int REFERENCES users, body jsonb NOT NULL);
  CREATE TABLE visits (page int NOT NULL, day date NOT NULL) PARTITION BY RANGE (day);
  CREATE TABLE visits_2026 PARTITION OF visits FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
  CREATE VIEW authors AS SELECT u.email, p.id FROM users u JOIN pages p ON p.owner = u.id;
  CREATE MATERIALIZED VIEW totals AS SELECT 1 AS one;
  CREATE TABLE migrations (id serial PRIMARY KEY, timestamp bigint NOT NULL, name varchar NOT NULL);
  INSERT INTO migrations (timestamp, name) VALUES (1760000000000, 'Initial1760000000000');
  INSERT INTO users (email, mood) SELECT 'user' || n || '@example.com', 'good' FROM generate_series(1, 500) n;
  INSERT INTO pages SELECT n, 1 + n % 500, jsonb_build_object('text', repeat(md5(n::text), 20)) FROM generate_series(1, 1000) n;
  INSERT INTO visits SELECT n, '2026-03-01'::date + n % 30 FROM generate_series(1, 199) n`;

export const sampleRows = 1700;

/** Databases of the environment, without the one that serves and the operations database; sorted. */
export async function besides(place: Environment): Promise<string[]> {
  const rows = await place.sql<{ datname: string }>(
    "admin",
    "SELECT datname::text FROM pg_database WHERE datname LIKE $1 AND NOT datname = ANY($2) ORDER BY 1",
    [`${place.name}%`, [place.name, `${place.name}_ops`]],
  );
  return rows.map(({ datname }) => datname);
}
