/** A table as `scripts/generate/hardware.mjs` writes it: a cell that is an array names a text of the pool by its place. */
export interface PackedTable {
  readonly columns: readonly string[];
  /** JSON, a value a line; rows of one family repeat each other. */
  readonly pool: readonly string[];
  /** JSON, an array of cells a line. */
  readonly rows: readonly string[];
}

/** Records of a table, each parsed when it is asked for: a run needs one machine of two hundred. */
export class Table<T> {
  private readonly parsed = new Map<number, T>();

  constructor(private readonly packed: PackedTable) {}

  at(place: number): T | undefined {
    const row = this.packed.rows[place];
    if (row === undefined) return undefined;
    const known = this.parsed.get(place) ?? this.recordOf(JSON.parse(row) as unknown[]);
    this.parsed.set(place, known);
    return known;
  }

  all(): readonly T[] {
    return this.packed.rows.flatMap((_, place) => this.at(place) ?? []);
  }

  private recordOf(row: readonly unknown[]): T {
    const record: Record<string, unknown> = {};
    row.forEach((cell, i) => {
      const column = this.packed.columns[i];
      if (column === undefined || cell === null) return;
      record[column] = Array.isArray(cell) ? JSON.parse(this.packed.pool[Number(cell[0])] ?? 'null') : cell;
    });
    return record as T;
  }
}

/** Places by name, a line each: the name, a tab, and the places of its records, the first one meant before the others. */
export class Names {
  private readonly lines: string;

  constructor(lines: string) {
    this.lines = `\n${lines}\n`;
  }

  places(name: string): readonly number[] {
    if (/[\t\n]/.test(name)) return [];
    const at = this.lines.indexOf(`\n${name}\t`);
    if (at < 0) return [];
    const start = at + name.length + 2;
    return this.lines.slice(start, this.lines.indexOf('\n', start)).split(',').map(Number);
  }
}
