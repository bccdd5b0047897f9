import { recipe } from '../rules-support/trainer-recipe';
import { describedSettings } from '../schema/settings';
import { replaceValue } from '../syntax/editing';
import { rule } from './rule';

/** Reports numbers that YAML 1.1 reads as other numbers than they look like. */
export const yamlNumberMisread = rule({
  id: 'yaml-number-misread',
  severity: 'warning',
  applies: ['trainer', 'accelerate', 'deepspeed'],
  why: 'PyYAML reads YAML 1.1: a leading zero makes an octal number, so 010 is 8, and colons make base 60, so 1:30 is 90.',
  source: ['PyYAML lib/yaml/constructor.py (6.0) construct_yaml_int', 'https://yaml.org/type/int.html'],
  verified: 'run',
  examples: {
    bad: [{ files: recipe('seed: 010\n') }, { files: recipe('max_steps: 1:30\n') }],
    good: [{ files: recipe('seed: 10\n') }, { files: recipe('max_steps: 90\n') }],
  },
  check({ config, catalogs, report }) {
    if (config.file.tree.format !== 'yaml') return;
    for (const { setting } of describedSettings(config, catalogs.schema(config.dialect).schema)) {
      const { node } = setting;
      if (node?.kind !== 'scalar' || node.style !== 'plain' || node.scalar.type !== 'int') continue;
      const octal = /^[-+]?0[0-7_]+$/.test(node.raw) && /[1-9]/.test(node.raw);
      if (!octal && !node.raw.includes(':')) continue;
      const { value } = node.scalar;
      const meant = octal ? Number(node.raw.replaceAll('_', '')) : undefined;
      report({
        at: setting,
        message: `PyYAML reads ${setting.path}: ${node.raw} as ${value}: ${octal ? 'a leading zero makes it octal' : 'colons make it base 60'}.`,
        fixes: [
          ...(meant === undefined ? [] : [{ title: `Write ${meant}`, edits: replaceValue(config.file, node, meant) }]),
          { title: `Write ${value}`, edits: replaceValue(config.file, node, value) },
        ],
      });
    }
  },
});
