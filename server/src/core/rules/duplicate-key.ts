import { allDialects } from '../source';
import { removeEntry } from '../syntax/editing';
import type { Entry, MappingNode, Node } from '../syntax/node';
import { rule } from './rule';

/** Reports a key written twice in one object. */
export const duplicateKey = rule({
  id: 'duplicate-key',
  severity: 'warning',
  applies: allDialects,
  when: 'text-problem',
  why: 'json.load and PyYAML keep the last value without a word; DeepSpeed, when it reads the file itself, refuses the file.',
  source: [
    'deepspeed/runtime/config_utils.py:205 (0.19.6) dict_raise_error_on_duplicate_keys',
    'cpython Lib/json/decoder.py:178 (3.11)',
    'PyYAML lib/yaml/constructor.py:127 (6.0)',
  ],
  verified: 'run',
  examples: {
    bad: [{ files: '{ "train_batch_size": 8, "train_batch_size": 16, "zero_optimization": { "stage": 2 } }' }],
    good: [{ files: '{ "train_batch_size": 16, "zero_optimization": { "stage": 2 } }' }],
  },
  check({ config, run, report }) {
    if (config.at !== '') return;
    const raises = config.dialect === 'deepspeed' && run.consumer.known && run.consumer.value === 'deepspeed';
    for (const problem of config.file.tree.problems) {
      if (problem.kind !== 'duplicate-key') continue;
      const { entry } = problem;
      const key = entry?.key ?? '';
      const owner = entry && mappingOf(config.file.tree.root, entry);
      report({
        at: problem,
        severity: raises ? 'error' : 'warning',
        tag: 'unnecessary',
        message: raises
          ? `${key} is written twice; DeepSpeed refuses a file with duplicate keys.`
          : `${key} is written twice; this value is lost, the last one counts.`,
        fixes:
          entry && owner
            ? [{ title: `Remove this ${key}`, preferred: false, edits: removeEntry(config.file, owner, entry) }]
            : [],
      });
    }
  },
});

/** The mapping that holds an entry; walked with a stack, because depth is the user's. */
function mappingOf(root: Node | undefined, entry: Entry): MappingNode | undefined {
  const stack: Node[] = root ? [root] : [];
  for (let node = stack.pop(); node; node = stack.pop()) {
    if (node.kind === 'mapping') {
      if (node.entries.includes(entry)) return node;
      for (const { value } of node.entries) if (value) stack.push(value);
    } else if (node.kind === 'sequence') stack.push(...node.items);
  }
  return undefined;
}
