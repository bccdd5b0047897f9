import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { describeModel } from '../../../server/src/core/models/describe';

interface Row {
  /** Public repository and path, or what it was made up for. */
  readonly source: string;
  readonly architecture: string;
  /** Counted with the real class: test/oracle/count_parameters.py. */
  readonly total: number;
  readonly config: { readonly model_type: string };
}

/** Files of public repositories, and small made-up ones for the classes with other heads. */
const rows: readonly Row[] = ['configs', 'heads'].flatMap((name) =>
  JSON.parse(readFileSync(path.join(import.meta.dirname, `fixtures/${name}.json`), 'utf8')),
);

describe('config.json files counted with the real class', () => {
  it.each(rows.map((row) => [`${row.config.model_type} ${row.source}`, row] as const))('%s', (_, row) => {
    const result = describeModel(row.config, { name: row.source, source: row.source, confidence: 'high' });
    expect(result).toMatchObject({ model: { architecture: row.architecture, parameters: { total: row.total } } });
  });
});
