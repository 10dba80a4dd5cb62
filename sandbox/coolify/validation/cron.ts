const words = new Set([
  "every_minute",
  "hourly",
  "daily",
  "weekly",
  "monthly",
  "yearly",
  "@hourly",
  "@daily",
  "@weekly",
  "@monthly",
  "@yearly",
]);

const ranges: readonly (readonly [number, number])[] = [
  [0, 59],
  [0, 23],
  [1, 31],
  [1, 12],
  [0, 7],
];
const names = ["", "", "", "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec", "sun|mon|tue|wed|thu|fri|sat"];

/** True for five cron fields or one of Coolify's words (379abb2, validate_cron_expression and VALID_CRON_STRINGS). */
export function isFrequency(value: string): boolean {
  if (words.has(value)) return true;
  const fields = value.trim().split(/\s+/);
  return fields.length === 5 && fields.every((field, index) => field.split(",").every((part) => isPart(part, index)));
}

function isPart(part: string, index: number): boolean {
  const [minimum, maximum] = ranges[index] ?? [0, 0];
  const match = /^(\*|[a-z0-9]+)(?:-([a-z0-9]+))?(?:\/(\d+))?$/i.exec(part);
  if (match === null || (match[3] !== undefined && Number(match[3]) === 0)) return false;
  return [match[1], match[2]].every((value) => {
    if (value === undefined || value === "*") return true;
    if ((names[index] ?? "").split("|").includes(value.toLowerCase())) return true;
    return /^\d+$/.test(value) && Number(value) >= minimum && Number(value) <= maximum;
  });
}
