import pg from "pg";
import type { Column } from "./columns.ts";
import type { MaskKind } from "./spec.ts";

/** The schema of everything that masking needs in the scratch database; gone before it is dumped. */
export const schema = "affexai_anonymise";

const texts = /^(text|character varying|character|citext)$/;
const accepted: Record<MaskKind, RegExp> = {
  email: texts,
  name: texts,
  phone: texts,
  text: texts,
  ip: /^(inet|text|character varying)$/,
  number: /^(smallint|integer|bigint|numeric|real|double precision)$/,
  "date-shift": /^(date|timestamp with(out)? time zone)$/,
};
/** Characters of the longest mask. */
const longest: Record<MaskKind, number> = {
  email: 41,
  name: 32,
  phone: 16,
  text: 31,
  ip: 39,
  number: 0,
  "date-shift": 0,
};

/** Why a column cannot be masked like that, or null. */
export function maskProblem({ type, length }: Column, kind: MaskKind): string | null {
  if (!accepted[kind].test(type)) return `cannot be masked as ${kind}`;
  if (length !== null && length < longest[kind])
    return `has room for ${length} characters, and mask:${kind} needs ${longest[kind]}`;
  return null;
}

/** SQL of a column's new value. */
export function expressionOf({ name, type }: Column, rule: MaskKind | { readonly keep: readonly string[] }): string {
  const column = pg.escapeIdentifier(name);
  if (typeof rule === "object") {
    const paths = rule.keep.map((path) => pg.escapeLiteral(path)).join(", ");
    return `${schema}.keep_paths(${column}::jsonb, ARRAY[${paths}]::text[], '')::${type}`;
  }
  // One who writes differently in another case is the same one for citext.
  const value = type === "citext" ? `lower(${column}::text)` : `${column}::text`;
  if (rule === "number") return `${schema}.mask_number(${column}::numeric, ${largest(type)})`;
  if (rule === "date-shift")
    return `${column} + ${type === "date" ? `${schema}.mask_days(${value})` : `make_interval(days => ${schema}.mask_days(${value}))`}`;
  if (type === "inet") return `${schema}.mask_ip(${value})::inet`;
  return `${schema}.mask_${rule}(${value})`;
}

/** Masked numbers are below it. */
function largest(type: string): string {
  if (type === "smallint") return "30000";
  if (type === "integer") return "2000000000";
  return type === "bigint" ? "1000000000000000" : "100";
}

const firstNames = "Alex Kim Robin Sam Toni Jona Kaya Luca Mika Nino Noa Rene Sascha Uli Jules Bela".split(" ");
const lastNames =
  "Ahorn Birke Buche Eiche Erle Esche Fichte Hasel Kiefer Linde Pappel Tanne Ulme Weide Zeder Eibe".split(" ");

/**
 * The masks as functions. All are made of an HMAC-SHA-256 (RFC 2104, from PostgreSQL's own sha256, so no extension is needed) under a
 * key that only the session has: its two padded halves are settings, which no statement text and no log holds.
 */
export const functions = `
CREATE SCHEMA ${schema};
CREATE FUNCTION ${schema}.digest(kind text, value text) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT encode(sha256(decode(current_setting('affexai.outer'), 'hex')
      || sha256(decode(current_setting('affexai.inner'), 'hex') || convert_to(kind || ':' || value, 'UTF8'))), 'hex') $$;
CREATE FUNCTION ${schema}.figure(digest text) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
  SELECT ('x' || substr(digest, 1, 15))::bit(60)::bigint $$;
CREATE FUNCTION ${schema}.mask_email(value text) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT CASE value WHEN '' THEN '' ELSE 'user_' || left(${schema}.digest('email', value), 20) || '@example.invalid' END $$;
CREATE FUNCTION ${schema}.mask_text(value text) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT CASE value WHEN '' THEN '' ELSE 'masked_' || left(${schema}.digest('text', value), 24) END $$;
CREATE FUNCTION ${schema}.mask_name(value text) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT CASE value WHEN '' THEN '' ELSE (SELECT
    ('{${firstNames.join(",")}}'::text[])[1 + ${schema}.figure(h) % ${firstNames.length}] || ' ' ||
    ('{${lastNames.join(",")}}'::text[])[1 + ${schema}.figure(substr(h, 16)) % ${lastNames.length}] || ' ' || substr(h, 31, 16)
    FROM (SELECT ${schema}.digest('name', value) AS h) d) END $$;
CREATE FUNCTION ${schema}.mask_phone(value text) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT CASE value WHEN '' THEN '' ELSE
    '+999' || lpad((${schema}.figure(${schema}.digest('phone', value)) % 1000000000000)::text, 12, '0') END $$;
CREATE FUNCTION ${schema}.mask_ip(value text) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT CASE value WHEN '' THEN '' ELSE (SELECT '2001:db8:' || concat_ws(':', substr(h, 1, 4), substr(h, 5, 4), substr(h, 9, 4),
    substr(h, 13, 4), substr(h, 17, 4), substr(h, 21, 4)) FROM (SELECT ${schema}.digest('ip', value) AS h) d) END $$;
CREATE FUNCTION ${schema}.mask_number(value numeric, below numeric) RETURNS numeric LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN n = value THEN (n + 1) % below ELSE n END
    FROM (SELECT ${schema}.figure(${schema}.digest('number', trim_scale(value)::text))::numeric % below AS n) d $$;
CREATE FUNCTION ${schema}.mask_days(value text) RETURNS int LANGUAGE sql STABLE AS $$
  SELECT (CASE WHEN n % 2 = 0 THEN 1 ELSE -1 END * (1 + (n / 2) % 180))::int
    FROM (SELECT ${schema}.figure(${schema}.digest('date-shift', value)) AS n) d $$;
CREATE FUNCTION ${schema}.keep_paths(value jsonb, paths text[], at text) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF at = ANY (paths) THEN RETURN value; END IF;
  IF jsonb_typeof(value) = 'object' THEN
    RETURN (SELECT COALESCE(jsonb_object_agg(key, ${schema}.keep_paths(member, paths, below)), '{}')
      FROM (SELECT e.key, e.value AS member, CASE at WHEN '' THEN e.key ELSE at || '.' || e.key END AS below FROM jsonb_each(value) e) m
      WHERE EXISTS (SELECT FROM unnest(paths) p WHERE p = below OR starts_with(p, below || '.') OR starts_with(p, below || '[]')));
  END IF;
  IF jsonb_typeof(value) = 'array' AND EXISTS (SELECT FROM unnest(paths) p WHERE starts_with(p, at || '[]')) THEN
    RETURN (SELECT COALESCE(jsonb_agg(${schema}.keep_paths(element, paths, at || '[]') ORDER BY n), '[]')
      FROM jsonb_array_elements(value) WITH ORDINALITY a(element, n));
  END IF;
  RETURN CASE jsonb_typeof(value) WHEN 'array' THEN '[]'::jsonb ELSE 'null'::jsonb END;
END $$;
CREATE TABLE ${schema}.original (place text, kind text, digest bytea);`;

/** What is left of a masked value where masks are looked for: nothing that could be taken for a real one. */
export const maskedForms = "user_[0-9a-f]{20}@example\\.invalid|\\+999[0-9]{12}|masked_[0-9a-f]{24}";
