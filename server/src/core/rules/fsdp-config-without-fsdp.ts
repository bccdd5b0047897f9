import { isSet, isSpread, recipe } from '../rules-support/trainer-recipe';
import { scalarOf, setting } from '../settings';
import { insertEntry, replaceValue } from '../syntax/editing';
import { rule } from './rule';

/** Reports an fsdp_config that nothing reads because fsdp is not switched on. */
export const fsdpConfigWithoutFsdp = rule({
  id: 'fsdp-config-without-fsdp',
  severity: 'warning',
  applies: ['trainer'],
  needs: ['fsdp_config'],
  why: 'The Trainer looks at fsdp_config only when fsdp is set. Without it every process keeps the whole model, and transformers 5 says nothing.',
  source: [
    'transformers src/transformers/training_args.py:2734 (5.18.0)',
    'transformers src/transformers/training_args.py:1943 (4.57.6)',
  ],
  verified: 'run',
  examples: {
    bad: [{ files: recipe('fsdp_config:\n  version: 2\n  cpu_offload: true\n') }],
    good: [
      { files: recipe('fsdp: true\nfsdp_config:\n  version: 2\n  cpu_offload: true\n') },
      { files: recipe('fsdp_config: null\n') },
    ],
  },
  check({ config, run, report }) {
    const section = setting(config, 'fsdp_config');
    const fsdp = setting(config, 'fsdp');
    if (!section || !isSet(config, 'fsdp_config') || isSpread(config)) return;
    if (section.node?.kind === 'mapping' && section.node.entries.length === 0) return;
    const value = scalarOf(fsdp)?.value;
    if (
      fsdp &&
      (fsdp.node?.kind !== 'scalar' || fsdp.node.templated || (value !== '' && value !== false && value !== null))
    )
      return;
    // An empty file name or a launcher that shards by itself leave the section without work, as intended.
    if (scalarOf(section)?.value === '' || run.configs.accelerate || run.configs.deepspeed) return;
    report({
      at: section,
      on: 'key',
      severity: fsdp ? 'information' : 'warning',
      message: fsdp
        ? 'fsdp is switched off, so fsdp_config counts for nothing and every process keeps the whole model.'
        : 'fsdp_config counts for nothing without fsdp: every process keeps the whole model, and nothing is printed.',
      fixes: [
        {
          title: 'Set fsdp to true',
          edits: fsdp?.node
            ? replaceValue(config.file, fsdp.node, true)
            : insertEntry(config.file, config.root, 'fsdp', true),
        },
      ],
    });
  },
});
