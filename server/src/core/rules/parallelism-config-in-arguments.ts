import { recipe } from '../rules-support/trainer-recipe';
import { removeFix } from '../rules-support/zero';
import { setting } from '../settings';
import { rule } from './rule';

/** Reports a parallelism_config among the Trainer's arguments of a file. */
export const parallelismConfigInArguments = rule({
  id: 'parallelism-config-in-arguments',
  severity: 'error',
  applies: ['trainer'],
  needs: ['parallelism_config'],
  why: "TrainingArguments takes a ParallelismConfig, which only Python can make: a section of a file stays a dict, and Accelerate stops on it. From a file the sizes come through Accelerate's own config.",
  source: [
    'transformers src/transformers/training_args.py:1314 (5.23.0)',
    'accelerate src/accelerate/accelerator.py:476 (1.15.0) get_device_mesh',
  ],
  verified: 'run',
  examples: {
    bad: [{ files: recipe('parallelism_config:\n  tp_size: 2\n') }],
    good: [{ files: recipe('parallelism_config: null\n') }],
  },
  check({ config, report }) {
    const found = setting(config, 'parallelism_config');
    if (found?.node?.kind !== 'mapping') return;
    report({
      at: found,
      on: 'key',
      message:
        "parallelism_config stays a dict when it comes from a file, and Accelerate stops on it. The sizes belong into the Accelerate file's parallelism_config.",
      fixes: [removeFix(found)],
    });
  },
});
