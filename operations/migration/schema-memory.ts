import type { Finding } from "./finding.ts";

/** What a migration has made and dropped so far: what is new is nobody's yet, and what is dropped and made again is wiped. */
export class SchemaMemory {
  readonly #tables = new Set<string>();
  readonly #added = new Set<string>();
  readonly #filled = new Set<string>();
  readonly #dropped = new Set<string>();

  createTable(table: string): void {
    this.#tables.add(table);
  }

  /** `filled`: an INSERT may leave it out. */
  addColumn(table: string, column: string, filled: boolean): void {
    this.#added.add(`${table}.${column}`);
    this.fill(table, column, filled);
  }

  /** A column's default was set or removed. */
  fill(table: string, column: string, filled: boolean): void {
    if (filled) this.#filled.add(`${table}.${column}`);
    else this.#filled.delete(`${table}.${column}`);
  }

  isFilled(table: string, column: string): boolean {
    return this.#filled.has(`${table}.${column}`);
  }

  dropColumn(table: string, column: string): void {
    this.#dropped.add(`${table}.${column}`);
  }

  /** Whether the migration itself made the table. */
  isNew(table: string): boolean {
    return this.#tables.has(table);
  }

  isNewColumn(table: string, column: string): boolean {
    return this.isNew(table) || this.#added.has(`${table}.${column}`);
  }

  /** What TypeORM's `migration:generate` makes of a rename or a longer varchar (typeorm/typeorm#3357). */
  wipedColumns(): Finding[] {
    return [...this.#dropped]
      .filter((column) => this.#added.has(column))
      .map((column) => ({
        rule: "column-wiped" as const,
        class: "DESTROYS" as const,
        forbidden: true as const,
        text: `${column} is dropped and added again, which empties it: alter or rename the column instead.`,
      }));
  }
}
