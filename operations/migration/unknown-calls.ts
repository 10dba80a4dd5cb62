import type { Finding } from "./finding.ts";

/** Functions of PostgreSQL and of its own extensions that change no table, by what migrations use them for. */
const harmless = new Set(
  [
    "now clock_timestamp statement_timestamp transaction_timestamp timeofday date_trunc date_part extract age make_date make_interval make_timestamp make_timestamptz to_timestamp to_date to_char timezone isfinite",
    "gen_random_uuid uuid_generate_v1 uuid_generate_v1mc uuid_generate_v3 uuid_generate_v4 uuid_generate_v5 uuid_nil uuidv4 uuidv7 random setseed gen_random_bytes gen_salt crypt digest hmac md5 sha224 sha256 sha384 sha512 encode decode hashtext hashtextextended",
    "nextval currval lastval setval pg_get_serial_sequence",
    "lower upper initcap btrim ltrim rtrim lpad rpad left right repeat reverse replace translate overlay position strpos substr substring split_part concat concat_ws format length char_length character_length octet_length bit_length ascii chr quote_ident quote_literal quote_nullable regexp_replace regexp_match regexp_matches regexp_split_to_array regexp_split_to_table string_to_array array_to_string starts_with unaccent normalize similarity",
    "abs ceil ceiling floor round trunc mod power sqrt exp ln log sign div greatest least width_bucket degrees radians pi",
    "count sum avg min max bool_and bool_or every array_agg string_agg json_agg jsonb_agg json_object_agg jsonb_object_agg bit_and bit_or stddev variance mode percentile_cont percentile_disc",
    "row_number rank dense_rank ntile lag lead first_value last_value nth_value",
    "array_append array_cat array_length array_position array_prepend array_remove array_replace cardinality unnest generate_series generate_subscripts",
    "json_build_array json_build_object jsonb_build_array jsonb_build_object json_array_elements json_array_elements_text json_array_length json_each json_each_text json_extract_path json_extract_path_text json_object json_object_keys json_typeof json_strip_nulls json_to_record json_to_recordset jsonb_array_elements jsonb_array_elements_text jsonb_array_length jsonb_each jsonb_each_text jsonb_extract_path jsonb_extract_path_text jsonb_insert jsonb_object jsonb_object_keys jsonb_path_exists jsonb_path_query jsonb_pretty jsonb_set jsonb_strip_nulls jsonb_to_record jsonb_to_recordset jsonb_typeof row_to_json to_json to_jsonb array_to_json",
    "to_tsvector to_tsquery plainto_tsquery phraseto_tsquery websearch_to_tsquery setweight strip ts_rank",
    "current_database current_schema current_setting version pg_typeof to_regclass to_regtype to_regproc format_type pg_backend_pid pg_sleep",
  ].flatMap((names) => names.split(" ")),
);

/**
 * A call in a part of a statement that is evaluated when it runs. A function can do anything unless it is one of PostgreSQL's own; those
 * are found without a schema in front, because pg_catalog is searched first, and extensions bring the others.
 */
export function unknownCalls(tree: unknown): Finding[] {
  const unknown = [...new Set(calls(tree))].filter((name) => !harmless.has(name.replace(/^pg_catalog\./, "")));
  if (unknown.length === 0) return [];
  const text = `It calls ${unknown.join(", ")}, which can do anything.`;
  return [{ rule: "opaque-statement", class: "OPAQUE", text }];
}

function calls(tree: unknown): string[] {
  if (typeof tree !== "object" || tree === null) return [];
  return Object.entries(tree).flatMap(([key, value]) => [
    ...(key === "FuncCall" ? [nameOf(value as FunctionCall)] : []),
    ...calls(value),
  ]);
}

interface FunctionCall {
  readonly funcname?: readonly { readonly String?: { readonly sval?: string } }[];
}

function nameOf({ funcname = [] }: FunctionCall): string {
  return funcname.map((part) => part.String?.sval ?? "").join(".");
}
