import type pg from "pg";

/** What a database holds outside of its tables. */
export interface LargeObjects {
  readonly count: number;
  readonly bytes: number;
  /** Over ids and bytes, in no order. */
  readonly hash: string;
}

/** Bytes that are read at once: an object may have more than a value can. */
const piece = 1_048_576;

/** Counts and hashes every large object, piece by piece. Throws when the role may not read one of them. */
export async function readLargeObjects(client: pg.Client): Promise<LargeObjects> {
  const { rows } = await client.query<{ count: number; bytes: string; hash: string }>(
    `WITH RECURSIVE part AS (
       SELECT o.oid, 0::bigint AS at, octet_length(read) AS bytes, encode(sha256(read), 'hex') AS digest
         FROM pg_largeobject_metadata o, lo_get(o.oid, 0, ${piece}) read
       UNION ALL
       SELECT part.oid, part.at + ${piece}, octet_length(read), encode(sha256(read), 'hex')
         FROM part, lo_get(part.oid, part.at + ${piece}, ${piece}) read WHERE part.bytes = ${piece})
     SELECT count(*) FILTER (WHERE at = 0)::int AS count, COALESCE(sum(bytes), 0)::text AS bytes,
            COALESCE(sum(hashtextextended(oid || ' ' || at || ' ' || digest, 0)), 0)::text AS hash FROM part`,
  );
  const [all] = rows;
  if (all === undefined) throw new Error("an aggregate gave no row");
  return { count: all.count, bytes: Number(all.bytes), hash: all.hash };
}
