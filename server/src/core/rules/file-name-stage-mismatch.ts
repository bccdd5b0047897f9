import { basename } from '../paths';
import { numberOf, setting } from '../settings';
import { rule } from './rule';

/** Reports files named after one ZeRO stage that set another. */
export const fileNameStageMismatch = rule({
  id: 'file-name-stage-mismatch',
  severity: 'hint',
  applies: ['deepspeed', 'accelerate'],
  needs: ['zero_optimization.stage', 'deepspeed_config.zero_stage'],
  why: 'Files are chosen by name on the launch line: one called zero3 that sets stage 2 gives a run that needs far more memory than its name says. Of 294 public files with a stage in their name, two differ from it.',
  source: ['deepspeed/runtime/zero/config.py:81 (0.19.6) stage'],
  verified: 'read',
  examples: {
    bad: [
      {
        name: 'ds_zero3.json',
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 2 } }',
      },
    ],
    good: [
      {
        name: 'ds_zero2.json',
        files:
          '{ "train_micro_batch_size_per_gpu": 1, "bf16": { "enabled": true }, "zero_optimization": { "stage": 2 } }',
      },
    ],
  },
  check({ config, report }) {
    if (config.at !== '') return;
    const path = config.dialect === 'accelerate' ? 'deepspeed_config.zero_stage' : 'zero_optimization.stage';
    const found = setting(config, path);
    const stage = numberOf(found);
    const named = stageInName(basename(config.file.path));
    if (!found || stage === undefined || named === undefined || named === stage) return;
    report({
      at: found,
      message: `The file is named after ZeRO stage ${named}, and sets stage ${stage}.`,
    });
  },
});

/** The one stage a name gives; `stage2` alone may be a stage of training, so it counts behind `ds` or `deepspeed` only. */
function stageInName(name: string): number | undefined {
  const stages = new Set<string>();
  for (const match of name.matchAll(/zero[_-]?(?:stage[_-]?)?([0-3])(?!\d)/gi)) stages.add(match[1] ?? '');
  if (/ds|deepspeed/i.test(name)) {
    for (const match of name.matchAll(/stage[_-]?([0-3])(?!\d)/gi)) stages.add(match[1] ?? '');
  }
  const [only] = stages;
  return stages.size === 1 && only !== undefined ? Number(only) : undefined;
}
