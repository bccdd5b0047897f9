import { accelerateFile, meshOf, sizeSetting } from '../rules-support/accelerate-file';
import { severitySince } from '../rules-support/since';
import { isTrue, recipe } from '../rules-support/trainer-recipe';
import { scalarOf, setting } from '../settings';
import { replaceValue } from '../syntax/editing';
import { rule } from './rule';

const CP = accelerateFile(
  'num_processes: 8\nparallelism_config:\n  parallelism_config_cp_size: 8\nfsdp_config:\n  fsdp_version: 2\n  fsdp_auto_wrap_policy: TRANSFORMER_BASED_WRAP\n',
  'FSDP',
);

/** Reports packing where TRL cannot pack. */
export const packingUnsupported = rule({
  id: 'packing-unsupported',
  severity: 'error',
  applies: ['trainer'],
  needs: ['packing'],
  why: 'Packing fills rows of max_length and marks the samples by their positions. Without a max_length there is no row to fill, and context parallelism cannot split such a row: SFTTrainer raises a ValueError for both.',
  source: [
    'trl trl/trainer/sft_trainer.py:1664 (1.13.0) max_length',
    'trl trl/trainer/sft_trainer.py:1385 (1.13.0) context parallelism',
  ],
  verified: 'run',
  examples: {
    bad: [
      { files: recipe('packing: true\nmax_length: null\n') },
      { files: { 'train.yaml': recipe('packing: true\nmax_length: 4096\n'), 'accelerate.yaml': CP } },
    ],
    good: [
      { files: recipe('packing: true\nmax_length: 4096\n') },
      { files: { 'train.yaml': recipe('packing: false\nmax_length: 4096\n'), 'accelerate.yaml': CP } },
    ],
  },
  check({ config, run, report }) {
    const packing = setting(config, 'packing');
    if (!packing?.node || !isTrue(config, 'packing') || !run.method.known || run.method.value !== 'sft') return;
    const length = setting(config, 'max_length');
    const off = { title: 'Set packing to false', edits: replaceValue(config.file, packing.node, false) };
    if (length?.node && scalarOf(length)?.type === 'null') {
      report({
        at: [length, packing],
        message: 'packing needs a max_length to fill, and it is null; SFTTrainer stops when it prepares the data.',
        fixes: [{ title: 'Set max_length to 1024', edits: replaceValue(config.file, length.node, 1024) }, off],
      });
    }
    const { accelerate } = run.configs;
    const mesh = accelerate && meshOf(accelerate);
    const size = accelerate && sizeSetting(accelerate, 'cp');
    if (!mesh || mesh.cp < 2 || !size) return;
    const since = severitySince(run, 'trl', '1.13.0');
    report({
      at: packing,
      severity: since ?? 'warning',
      related: [{ at: size, message: 'Context parallelism is set here.' }],
      message: `packing does not work with context parallelism (cp_size ${mesh.cp}): ${since === 'error' ? 'SFTTrainer stops at start-up' : 'TRL 1.13 and later stops at start-up, and older releases let packed samples see each other'}.`,
      fixes: [off],
    });
  },
});
