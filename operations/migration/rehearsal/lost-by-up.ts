import { columnAfter, tableAfter, type ColumnContents } from "../../database/column-content.ts";
import { isTypeorms } from "../../database/holds-rows.ts";
import { contentLosses, type Allowance } from "../../database/losses.ts";
import type { MigrationFinding } from "../../release/spec.ts";
import { withRemedy } from "../finding.ts";

/** What every table held before `up` and after it, column by column. */
export interface ContentsOfUp {
  readonly historyTable: string;
  readonly before: ColumnContents;
  readonly after: ColumnContents;
}

/**
 * What `up` took from the data of the rehearsal, however it did it: rows, values, columns and tables that were there before. What the
 * migration declares is left out; whoever runs it under maintenance is held to that.
 */
export function lostByUp({ historyTable, before, after }: ContentsOfUp, allowance: Allowance): MigrationFinding[] {
  const gone = before.tables
    .filter(({ table }) => !isTypeorms(table, historyTable))
    .flatMap((was) => {
      const now = tableAfter(after, was);
      // With rows in it, it is told of as the loss of those.
      if (now === undefined) return was.rows === 0 ? [`${was.table} is gone`] : [];
      const meant = allowance.updates[was.table] ?? [];
      return was.columns
        .filter((column) => columnAfter(now, column) === undefined && !meant.includes(column.name))
        .map(({ name }) => `${was.table}.${name} is gone`);
    });
  const lost = [...contentLosses(before, after, historyTable, allowance), ...gone];
  if (lost.length === 0) return [];
  return [
    withRemedy({ rule: "up-loses-data", class: "DESTROYS", text: `On the rehearsal, ${lost.join("; ")}.` }, null),
  ];
}
