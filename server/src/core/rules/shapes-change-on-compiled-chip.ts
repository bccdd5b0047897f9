import { booleanOf, type Setting, setting, stringOf } from '../settings';
import { rule } from './rule';

/** The first is called train_sampling_strategy since transformers 5. */
const KEYS = ['group_by_length', 'train_sampling_strategy', 'auto_find_batch_size'] as const;
/** Chips whose compiler makes a program for each shape. */
const COMPILED = new Set(['AWS', 'Google']);

function files(more: string, hardware: string): Readonly<Record<string, string>> {
  return {
    'train.yaml': `output_dir: out\nper_device_train_batch_size: 1\nlearning_rate: 2.0e-5\nlogging_steps: 10\nnum_train_epochs: 1\nbf16: true\n${more}`,
    'shardlens.json': `{ "target": "box", "targets": { "box": { "hardware": "${hardware}" } } }`,
  };
}

/** Reports settings that change the shapes of batches on chips that compile for each shape. */
export const shapesChangeOnCompiledChip = rule({
  id: 'shapes-change-on-compiled-chip',
  severity: 'information',
  applies: ['trainer'],
  needs: KEYS,
  when: 'cluster',
  why: 'Trainium and TPUs run programs that are compiled for fixed shapes: each new length or batch size is compiled anew, for minutes. Samples that are packed or padded to one length avoid it.',
  source: [
    'huggingface/optimum-neuron docs/source/guides/cache_system.mdx (even small changes may require recompilation)',
    'pytorch/xla docs: recompilation for changing shapes',
  ],
  verified: 'read',
  examples: {
    bad: [{ files: files('auto_find_batch_size: true\n', 'trn1.32xlarge') }],
    good: [
      { files: files('auto_find_batch_size: true\n', 'p4d.24xlarge') },
      { files: files('auto_find_batch_size: false\n', 'trn1.32xlarge') },
    ],
  },
  check({ config, run, report }) {
    if (!run.cluster.known) return;
    const { name, vendor } = run.cluster.value.accelerator;
    const found = KEYS.map((key) => setting(config, key)).find(isOn);
    if (!COMPILED.has(vendor) || !found) return;
    report({
      at: found,
      message: `${found.path} changes the shapes of batches, and ${name} compiles a program for each shape, for minutes: samples packed or padded to one length need one.`,
    });
  },
});

function isOn(found: Setting | undefined): boolean {
  return booleanOf(found) === true || stringOf(found) === 'group_by_length';
}
