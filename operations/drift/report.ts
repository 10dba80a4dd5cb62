import type { DriftReport } from "./spec.ts";

type Row = DriftReport["differences"][number];

/** The report as a comment in a pull request, or a summary of a job. */
export function markdownReport(report: DriftReport): string {
  const { stack, differences, unchecked, unobserved, unmanaged, repaired, checked, checkedAt } = report;
  const sections = [
    `### Drift of \`${stack}\`: ${verdict(report)}`,
    `${checked.length} parts looked at, ${checkedAt}.`,
    ...(repaired.length === 0 ? [] : [`Repaired before: ${repaired.map(code).join(", ")}.`]),
    ...(differences.length === 0
      ? []
      : [
          [
            "| part | what | declared | found | repair |",
            "| --- | --- | --- | --- | --- |",
            ...differences.map((one) => `| ${[...cells(one), repairText(one)].map(escaped).join(" | ")} |`),
          ].join("\n"),
        ]),
    ...listed(
      "Could not be looked at",
      unchecked.map(({ part, reason }) => `${part}: ${reason}`),
    ),
    ...listed(
      "Cannot be observed",
      unobserved.map(({ part, what, reason }) => `${part}: ${what} (${reason})`),
    ),
    ...listed("Not managed here", unmanaged),
  ];
  return `${sections.join("\n\n")}\n`;
}

/** The report's rows for a terminal, with a title row; null without differences. */
export function textRows({ differences }: DriftReport): string[][] | null {
  if (differences.length === 0) return null;
  return [["PART", "WHAT", "DECLARED", "FOUND"], ...differences.map((one) => cells(one).map((cell) => short(cell)))];
}

/** What stands below the table. */
export function textNotes(report: DriftReport): string[] {
  const { differences, unchecked, unobserved, unmanaged, repaired } = report;
  const repairs = [...new Set(differences.map(repairText))].map((text) => {
    const parts = differences.filter((one) => repairText(one) === text).map(({ part }) => part);
    return `repair ${[...new Set(parts)].join(", ")}: ${text}`;
  });
  return [
    ...repairs,
    ...unchecked.map(({ part, reason }) => `? could not look at ${part}: ${reason}`),
    ...unobserved.map(({ part, what, reason }) => `- cannot be observed: ${part}, ${what} (${reason})`),
    ...unmanaged.map((name) => `- not managed here: ${name}`),
    ...(repaired.length === 0 ? [] : [`repaired: ${repaired.join(", ")}`]),
    `${report.stack}: ${verdict(report)}, ${report.checked.length} parts looked at`,
  ];
}

export function verdict({ outcome, differences, unchecked }: DriftReport): string {
  const parts = `${unchecked.length} ${unchecked.length === 1 ? "part" : "parts"} could not be looked at`;
  switch (outcome) {
    case "clean":
      return "clean";
    case "could-not-check":
      return parts;
    case "drift":
      return `${differences.length} ${differences.length === 1 ? "difference" : "differences"}${unchecked.length === 0 ? "" : `, ${parts}`}`;
  }
}

function cells({ part, kind, name, declared, found }: Row): string[] {
  return [part, kind === name ? kind : `${kind} ${name}`, declared ?? "nothing", found ?? "nothing"];
}

function repairText({ repair }: Row): string {
  return `${repair.by === "a person" ? "by hand" : repair.by}: ${repair.what}`;
}

function listed(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [`${title}:\n\n${lines.map((line) => `- ${escaped(line)}`).join("\n")}`];
}

function code(text: string): string {
  return `\`${text}\``;
}

/** What a person wrote in Coolify must not become markup here. */
function escaped(text: string): string {
  return short(text)
    .replaceAll(/\s+/g, " ")
    .replaceAll(/[\\|<>[\]*_`~#@!&]/g, (sign) => `&#${sign.codePointAt(0) ?? 0};`);
}

/** Digests are long, and the first twelve digits tell them apart. */
function short(text: string): string {
  return text.replaceAll(/sha256:([0-9a-f]{12})[0-9a-f]{52}/g, "sha256:$1");
}
