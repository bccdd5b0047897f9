import { isBuiltByDeepSpeed } from '../rules-support/owners';
import { recipe } from '../rules-support/trainer-recipe';
import { numberOf, setting, stringOf } from '../settings';
import { replaceValue } from '../syntax/editing';
import { rule } from './rule';

const LAYERWISE = 'optim: galore_adamw_layerwise\noptim_target_modules: all-linear\n';

/** Reports layer-wise GaLore and APOLLO where they cannot run. */
export const layerwiseOptimizerUnsupported = rule({
  id: 'layerwise-optimizer-unsupported',
  severity: 'error',
  applies: ['trainer'],
  needs: ['optim'],
  why: 'Layer-wise optimizers step inside the backward pass, one layer at a time. The Trainer refuses them with gradient accumulation and with more than one process.',
  source: [
    'transformers src/transformers/trainer_optimizer.py:116 (5.18.0) more than one process',
    'transformers src/transformers/trainer_optimizer.py:165 (5.18.0) gradient accumulation',
  ],
  verified: 'run',
  examples: {
    bad: [
      { files: recipe(`${LAYERWISE}gradient_accumulation_steps: 4\n`) },
      {
        files: {
          'train.yaml': recipe(LAYERWISE),
          'shardlens.json':
            '{ "target": "box", "targets": { "box": { "hardware": "p4d.24xlarge", "gpusPerNode": 8 } } }',
        },
      },
    ],
    good: [
      { files: recipe('optim: galore_adamw\noptim_target_modules: all-linear\ngradient_accumulation_steps: 4\n') },
    ],
  },
  check({ config, run, report }) {
    const optim = setting(config, 'optim');
    const name = stringOf(optim);
    if (!optim?.node || !name?.endsWith('_layerwise') || isBuiltByDeepSpeed(run, 'optimizer')) return;
    const accumulation = setting(config, 'gradient_accumulation_steps');
    const steps = numberOf(accumulation);
    const fix = {
      title: `Use ${name.replace(/_layerwise$/, '')}`,
      edits: replaceValue(config.file, optim.node, name.replace(/_layerwise$/, '')),
    };
    if (accumulation?.node && steps !== undefined && steps > 1) {
      report({
        at: [optim, accumulation],
        message: `${name} steps inside the backward pass and cannot accumulate over ${steps} micro-batches; the job stops when the optimizer is built.`,
        fixes: [
          fix,
          { title: 'Set gradient_accumulation_steps to 1', edits: replaceValue(config.file, accumulation.node, 1) },
        ],
      });
    }
    if (!run.worldSize.known || run.worldSize.value < 2) return;
    report({
      at: optim,
      // The number of ranks can come from the target chosen in the editor rather than from the launch.
      severity: run.worldSize.origin.kind === 'editor' ? 'warning' : 'error',
      message: `${name} runs in one process only, and this run has ${run.worldSize.value}; the job stops when the optimizer is built.`,
      fixes: [fix],
    });
  },
});
