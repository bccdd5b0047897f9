import { misfits } from '../rules-support/settings-shape';
import { nearestKey } from '../schema/keys';
import { levelInForce } from '../silence/never-silent';
import { removeEntry, renameKey, replaceValue } from '../syntax/editing';
import { type Entry, lookup, type MappingNode } from '../syntax/node';
import { rules } from './index';
import { type RuleContext, rule } from './rule';

/** Reports what shardlens.json says and Shardlens cannot use: unknown keys, wrong values, rules that there are not. */
export const settingNotUsed = rule({
  id: 'setting-not-used',
  severity: 'warning',
  applies: ['shardlens'],
  why: 'A setting that is not understood is passed over, and the estimate answers another question than the one asked.',
  source: ['Shardlens schemas/shardlens.schema.json'],
  verified: 'run',
  examples: {
    bad: [
      { name: 'shardlens.json', files: '{ "targts": { "box": { "hardware": "p4d.24xlarge" } } }' },
      { name: 'shardlens.json', files: '{ "targets": { "box": { "hardware": "p4d.24xlarge", "nodes": 0 } } }' },
      { name: 'shardlens.json', files: '{ "consumer": "Trainer", "sequenceLength": "4096" }' },
      { name: 'shardlens.json', files: '{ "rules": { "duplicate-keys": "off", "broken-syntax": "loud" } }' },
      { name: 'shardlens.json', files: '{ "rules": { "broken-syntax": "off" } }' },
    ],
    good: [
      {
        name: 'shardlens.json',
        files:
          '{ "targets": { "box": { "hardware": "p4d.24xlarge", "nodes": 2 } }, "consumer": "trainer", "rules": { "duplicate-key": "off" } }',
      },
    ],
  },
  check({ config, report }) {
    const { file, root } = config;
    for (const { path, entry, takes, nearest } of misfits(root)) {
      const at = { config, path, entry, node: entry.value };
      const meant = nearest === undefined ? '' : ` "${nearest}" is probably meant.`;
      if (takes === undefined) {
        const fixes =
          nearest === undefined
            ? []
            : [{ title: `Rename to ${nearest}`, preferred: true, edits: renameKey(file, entry, nearest) }];
        report({ at, on: 'key', message: `Shardlens has no setting ${path}, so it is not used.${meant}`, fixes });
      } else {
        const fixes =
          nearest === undefined || !entry.value
            ? []
            : [{ title: `Write "${nearest}"`, preferred: true, edits: replaceValue(file, entry.value, nearest) }];
        report({ at, message: `${path} takes ${takes}, so what is written is not used.${meant}`, fixes });
      }
    }
    unknownRules(config.root, '', { config, report });
    for (const { key, value } of mappingAt(root, 'files')?.entries ?? []) {
      if (value?.kind === 'mapping') unknownRules(value, `files.${key}.`, { config, report });
    }
  },
});

function unknownRules(
  owner: MappingNode,
  prefix: string,
  { config, report }: Pick<RuleContext, 'config' | 'report'>,
): void {
  // Findings that are made outside the rules, for want of a config to run them on.
  const ids = new Set([...rules.map(({ id }) => id), 'analysis-incomplete']);
  const levels = mappingAt(owner, 'rules');
  for (const entry of levels?.entries ?? []) {
    if (levels && isPassedOver(entry)) {
      report({
        at: { config, path: `${prefix}rules.${entry.key}`, entry, node: entry.value },
        message: `${entry.key} says what Shardlens could not check, so it keeps its own level.`,
        fixes: [{ title: `Remove ${entry.key}`, preferred: true, edits: removeEntry(config.file, levels, entry) }],
      });
      continue;
    }
    if (ids.has(entry.key)) continue;
    const nearest = nearestKey(entry.key, ids);
    report({
      at: { config, path: `${prefix}rules.${entry.key}`, entry, node: entry.value },
      on: 'key',
      message: `There is no rule ${entry.key}, so this level is not used.${nearest === undefined ? '' : ` "${nearest}" is probably meant.`}`,
      fixes:
        nearest === undefined
          ? []
          : [{ title: `Rename to ${nearest}`, preferred: true, edits: renameKey(config.file, entry, nearest) }],
    });
  }
}

/** A level that would silence or play down what may not be silenced. */
function isPassedOver({ key, value }: Entry): boolean {
  const level = value?.kind === 'scalar' ? value.scalar.value : undefined;
  const known = rules.find(({ id }) => id === key);
  if (!known || !LEVELS.some((one) => one === level)) return false;
  return levelInForce(known, level as (typeof LEVELS)[number]) !== level;
}

const LEVELS = ['off', 'hint', 'information', 'warning', 'error'] as const;

function mappingAt(mapping: MappingNode, key: string): MappingNode | undefined {
  const value = lookup(mapping, key)?.value;
  return value?.kind === 'mapping' ? value : undefined;
}
