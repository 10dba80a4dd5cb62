// Which statements only ask.

/** A query that changes nothing by itself; a function that it calls may. */
export function asks(text) {
  return /^(SELECT|SHOW|WITH)\b/i.test(text) && !/\b(INSERT|UPDATE|DELETE|MERGE|INTO)\b/i.test(text);
}

/** What TypeORM's schema builder asks the catalog: no statement of the migration's own. */
export function asksCatalog(text) {
  return asks(text) && /\bpg_catalog\b|\binformation_schema\b|\bcurrent_(schema|database)\b|\bpg_class\b/i.test(text);
}
