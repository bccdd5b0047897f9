import { severitySince } from '../rules-support/since';
import { isTrue, recipe } from '../rules-support/trainer-recipe';
import { setting } from '../settings';
import { replaceValue } from '../syntax/editing';
import { rule } from './rule';

const BEST = 'save_only_model: true\nload_best_model_at_end: true\neval_strategy: epoch\nsave_strategy: epoch\n';

/** Reports save_only_model where the sharded run cannot do without its own checkpoint. */
export const saveOnlyModelUnsupported = rule({
  id: 'save-only-model-unsupported',
  severity: 'error',
  applies: ['trainer'],
  needs: ['save_only_model'],
  why: "With DeepSpeed and FSDP the best model is loaded from the engine's own checkpoint, which save_only_model leaves out, and FSDP's sharded state dict cannot be saved as a model alone. The Trainer raises a ValueError for both.",
  source: [
    'transformers src/transformers/trainer.py:875 (5.18.0) load_best_model_at_end',
    'transformers src/transformers/trainer.py:893 (5.18.0) SHARDED_STATE_DICT',
  ],
  verified: 'run',
  examples: {
    bad: [
      {
        files: {
          'train.yaml': recipe(`deepspeed: ds.json\n${BEST}`),
          'ds.json': '{ "train_micro_batch_size_per_gpu": "auto", "zero_optimization": { "stage": 2 } }',
        },
      },
      {
        files: {
          'train.yaml': recipe(
            'save_only_model: true\nfsdp: true\nfsdp_config:\n  version: 2\n  state_dict_type: SHARDED_STATE_DICT\n',
          ),
          'requirements.txt': 'transformers==5.23.0\n',
        },
      },
    ],
    good: [
      { files: recipe(BEST) },
      {
        files: recipe(
          'save_only_model: true\nfsdp: true\nfsdp_config:\n  version: 2\n  state_dict_type: FULL_STATE_DICT\n',
        ),
      },
    ],
  },
  check({ config, run, report }) {
    const only = setting(config, 'save_only_model');
    const best = setting(config, 'load_best_model_at_end');
    if (!only?.node || !isTrue(config, 'save_only_model') || !run.sharding.known) return;
    const sharding = run.sharding.value;
    const fixes = [{ title: 'Set save_only_model to false', edits: replaceValue(config.file, only.node, false) }];
    if (best && isTrue(config, 'load_best_model_at_end') && (sharding.kind === 'zero' || sharding.kind === 'fsdp')) {
      const who = sharding.kind === 'zero' ? 'DeepSpeed' : 'FSDP';
      report({
        at: [only, best],
        message: `With ${who}, save_only_model and load_best_model_at_end cannot both be true; the Trainer stops at start-up.`,
        fixes,
      });
    }
    if (sharding.kind !== 'fsdp' || !sharding.stateDict.known || sharding.stateDict.value !== 'SHARDED_STATE_DICT')
      return;
    // transformers 4 does not read the state dict of its own fsdp_config; Accelerate's it meets in any release.
    const severity = run.configs.fsdp ? severitySince(run, 'transformers', '5.0.0') : 'error';
    if (!severity) return;
    report({
      at: only,
      severity,
      message:
        "save_only_model cannot save a model from FSDP's SHARDED_STATE_DICT; the Trainer stops at start-up. FULL_STATE_DICT can.",
      fixes,
    });
  },
});
