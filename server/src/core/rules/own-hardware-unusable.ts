import { buildCluster } from '../hardware/cluster';
import { descriptionProblems } from '../hardware/description';
import type { Setting } from '../settings';
import type { Config } from '../source';
import { replaceValue } from '../syntax/editing';
import { type Entry, lookup, type MappingNode } from '../syntax/node';
import { toPlain } from '../syntax/plain';
import { type RuleContext, rule } from './rule';

/** Reports cluster descriptions and own records of hardware that cannot be used, at the key that is wrong. */
export const ownHardwareUnusable = rule({
  id: 'own-hardware-unusable',
  severity: 'warning',
  applies: ['shardlens', 'cluster'],
  why: 'A description with an unknown key, a missing figure or a name that there is not is passed over as a whole: the runs that use it have no machine, and nothing of memory, step or links can be told of them.',
  source: ['Shardlens schemas/cluster.schema.json'],
  verified: 'run',
  examples: {
    bad: [
      {
        name: 'shardlens.json',
        files:
          '{ "hardware": { "box": { "node": { "accelerator": { "name": "X1", "memoryGiB": 48 }, "count": 8 } } } }',
      },
      {
        name: 'shardlens.json',
        files: '{ "hardware": { "box": { "node": { "accelerator": "H1000", "count": 8 } } } }',
      },
      {
        name: 'cluster.json',
        files: '{ "instance": "p4d.24xlarge", "nodes": 2, "between": { "transport": "wifi" } }',
      },
    ],
    good: [
      {
        name: 'shardlens.json',
        files:
          '{ "hardware": { "box": { "node": { "accelerator": { "name": "RTX 4090 48GB", "like": "RTX 4090", "memoryGiB": 47.4 }, "count": 8 } } } }',
      },
      {
        name: 'cluster.json',
        files: '{ "instance": "p4d.24xlarge", "nodes": 2, "between": { "transport": "tcp" } }',
      },
    ],
  },
  check(context) {
    const { config } = context;
    if (config.dialect === 'cluster') {
      checkDescription(context, config.root, '');
      return;
    }
    const records = lookup(config.root, 'hardware')?.value;
    if (records?.kind !== 'mapping') return;
    for (const { key, value } of records.entries) {
      // Whatever is no object has a finding of its own.
      if (value?.kind === 'mapping') checkDescription(context, value, `hardware.${key}`);
    }
  },
});

function checkDescription({ config, catalogs, report }: RuleContext, root: MappingNode, prefix: string): void {
  const plain = toPlain(root, 'json') as Readonly<Record<string, unknown>>;
  const [wrong] = descriptionProblems(plain);
  if (wrong) {
    const at = placeOf(config, root, prefix, wrong.path);
    report({ at, on: at && 'entry' in at && at.node?.kind === 'mapping' ? 'key' : 'value', message: wrong.message });
    return;
  }
  const built = buildCluster({ hardware: plain }, { catalog: catalogs.hardware });
  if (!('problem' in built)) return;
  const named = ['node.accelerator.like', 'node.accelerator', 'instance']
    .map((path) => placeOf(config, root, prefix, path))
    .find((at): at is Setting => 'entry' in at && at.node?.kind === 'scalar');
  const [nearest] = built.nearest;
  report({
    at: named ?? placeOf(config, root, prefix, ''),
    message:
      nearest === undefined ? built.problem : `${built.problem} The nearest names are ${built.nearest.join(', ')}.`,
    fixes:
      named?.node && nearest !== undefined
        ? [{ title: `Write "${nearest}"`, edits: replaceValue(config.file, named.node, nearest) }]
        : [],
  });
}

/** The entry that a path leads to; the last one on the way where the path names what is not there. */
function placeOf(
  config: Config,
  root: MappingNode,
  prefix: string,
  path: string,
): Setting | { start: number; end: number } {
  let mapping = root;
  let found: Entry | undefined;
  for (const key of path === '' ? [] : path.split('.')) {
    const entry = lookup(mapping, key);
    if (!entry) break;
    found = entry;
    if (entry.value?.kind !== 'mapping') break;
    mapping = entry.value;
  }
  if (!found) return { start: root.start, end: root.start + 1 };
  return { config, path: prefix === '' ? path : `${prefix}.${path}`, entry: found, node: found.value };
}
