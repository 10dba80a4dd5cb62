import { LockMode, type MigrationFinding, type MigrationRecord } from "../release/spec.ts";

/** What a report is made of. */
export interface MigrationReport {
  /** The release's id, or the image. */
  readonly subject: string;
  /** The environment that it was planned for; null when only the image was looked at. */
  readonly environment: string | null;
  /** What was rehearsed on: a backup's id, `an empty database`, or null when nothing was rehearsed. */
  readonly rehearsedOn: string | null;
  /** Those that would run, in order. */
  readonly pending: readonly MigrationRecord[];
  /** About the release as a whole. */
  readonly findings: readonly MigrationFinding[];
  /** Why the plan is refused; null when it is not. */
  readonly refusal: string | null;
}

/** The report as GitHub's Markdown: a comment on a pull request. */
export function markdownReport({
  subject,
  environment,
  rehearsedOn,
  pending,
  findings,
  refusal,
}: MigrationReport): string {
  const where = environment === null ? "" : ` for ${environment}`;
  const rehearsal =
    rehearsedOn === null ? "Not rehearsed: locks, rewrites and times are not known." : `Rehearsed on ${rehearsedOn}.`;
  const list =
    pending.length === 0
      ? "No migration is pending."
      : [
          "| Migration | Class | Worst lock | Rewrites | Time | `down` |",
          "| --- | --- | --- | --- | ---: | --- |",
          ...pending.map((migration) => `| ${cells(migration).map(escapeCell).join(" | ")} |`),
        ].join("\n");
  const told = [
    ...findings.map((finding) => line("the release", finding, null)),
    ...pending.flatMap((migration) =>
      migration.findings.map((finding) =>
        line(
          `\`${migration.name}\``,
          finding,
          finding.statement === null ? null : (migration.statements[finding.statement] ?? null),
        ),
      ),
    ),
  ];
  return [
    `### Migrations of ${subject}${where}`,
    ...(refusal === null ? [] : [`**Refused:** ${refusal}`]),
    ...(pending.length === 0 ? [list] : [rehearsal, list]),
    ...(told.length === 0 ? [] : [told.join("\n")]),
    "",
  ].join("\n\n");
}

/** Name, class, worst lock, rewrites, time and state of `down`: what fits on a line. */
export function cells(migration: MigrationRecord): string[] {
  const { name, rehearsal } = migration;
  return [
    name,
    migration.class,
    worstLock(migration),
    rehearsal === null
      ? "?"
      : [...new Set(rehearsal.statements.flatMap(({ rewrites }) => rewrites))].join(", ") || "none",
    rehearsal === null ? "?" : `${rehearsal.ms} ms`,
    !migration.hasDown ? "none" : migration.downProven ? "proven" : "not proven",
  ];
}

/** `AccessExclusiveLock on users`: the strongest that any statement took, of what was there before. */
function worstLock({ rehearsal }: MigrationRecord): string {
  if (rehearsal === null) return "?";
  const locks = rehearsal.statements.flatMap((statement) => Object.entries(statement.locks));
  const worst = LockMode.options.findLast((mode) => locks.some(([, taken]) => taken === mode));
  if (worst === undefined) return "none";
  const relations = locks.filter(([, mode]) => mode === worst).map(([relation]) => relation);
  return `${worst} on ${[...new Set(relations)].join(", ")}`;
}

function line(where: string, finding: MigrationFinding, sql: string | null): string {
  const { rule, message, remedy, forbidden } = finding;
  const head = `- **${forbidden ? "refused" : finding.class}** ${where}: ${message} *${remedy}* (${rule})`;
  return sql === null ? head : `${head}\n  ${code(sql)}`;
}

/** Inline code on one line, whatever the SQL holds. */
function code(sql: string): string {
  const text = sql.replace(/\s+/g, " ");
  const short = text.length > 200 ? `${text.slice(0, 197)}...` : text;
  const fence = "`".repeat(Math.max(0, ...[...short.matchAll(/`+/g)].map(([run]) => run.length)) + 1);
  return `${fence} ${short} ${fence}`;
}

function escapeCell(text: string): string {
  return text.replaceAll("|", "\\|");
}
