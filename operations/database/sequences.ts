import type pg from "pg";

export interface SequenceValue {
  /** Schema and name, quoted where needed: `public.users_id_seq`. */
  readonly sequence: string;
  readonly lastValue: string;
}

/** Where the sequences that were ever used stand. Not of the connection's snapshot: sequences are outside transactions. */
export async function readSequences(client: pg.Client): Promise<SequenceValue[]> {
  const { rows } = await client.query<{ sequence: string; lastValue: string }>(
    `SELECT format('%I.%I', schemaname, sequencename) AS sequence, last_value::text AS "lastValue"
       FROM pg_sequences WHERE last_value IS NOT NULL ORDER BY 1`,
  );
  return rows;
}
