import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { rulePage } from '../../server/src/core/features/rule-page';
import { rules } from '../../server/src/core/rules/index';
import { loadCatalogs } from '../../server/src/data/index';
import { shardlens } from './shell';

const catalogs = loadCatalogs();

const folder = mkdtempSync(path.join(tmpdir(), 'shardlens-rule-pages-'));

// The build packs the pages apart from the rules; they are to come back whole, the longest and those at either end too.
const longest = [...rules].sort((a, b) => rulePage(b, catalogs).length - rulePage(a, catalogs).length).slice(0, 3);
const sample = [...new Set([rules[0], rules.at(-1), ...longest])].filter((rule) => rule !== undefined);

it.each(sample.map((rule) => [rule.id, rule] as const))(
  'the program explains %s as its rule states it',
  async (id, rule) => {
    const { status, out } = await shardlens(folder, ['explain', id]);
    expect(status).toBe(0);
    expect(out).toBe(rulePage(rule, catalogs));
  },
);
