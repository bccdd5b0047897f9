import { severitySince } from '../rules-support/since';
import { isTrue, numberOr, recipe } from '../rules-support/trainer-recipe';
import { setting } from '../settings';
import { replaceValue } from '../syntax/editing';
import { rule } from './rule';

const GRPO = (lines: string) => recipe(`num_generations: 2\nmax_completion_length: 64\n${lines}`);
const DPO = (lines: string) => recipe(`loss_weights: null\n${lines}`);

/** Reports sync_ref_model where there is no reference model to update. */
export const referenceSyncUnsupported = rule({
  id: 'reference-sync-unsupported',
  severity: 'error',
  applies: ['trainer'],
  needs: ['sync_ref_model'],
  why: 'sync_ref_model copies the trained weights into a reference model. Without one (GRPO with beta 0, adapters over one model), or with its log-probabilities computed beforehand, TRL raises an error.',
  source: ['trl trl/trainer/grpo_trainer.py:1190 (1.16.0)', 'trl trl/trainer/dpo_trainer.py:992 (1.16.0)'],
  verified: 'run',
  examples: {
    bad: [
      { files: GRPO('sync_ref_model: true\nbeta: 0.0\n') },
      { files: DPO('sync_ref_model: true\nprecompute_ref_log_probs: true\n') },
    ],
    good: [
      { files: GRPO('sync_ref_model: true\nbeta: 0.04\n') },
      { files: DPO('sync_ref_model: true\nprecompute_ref_log_probs: false\n') },
    ],
  },
  check({ config, run, report }) {
    const sync = setting(config, 'sync_ref_model');
    if (!sync?.node || !isTrue(config, 'sync_ref_model') || !run.method.known) return;
    const method = run.method.value;
    const since = severitySince(run, 'trl', '0.29.1');
    const from = since === 'warning' ? ' from TRL 0.29 on' : '';
    const beta = setting(config, 'beta');
    const adapters = setting(config, 'use_peft');
    const early = setting(config, 'precompute_ref_log_probs');
    const off = { title: 'Set sync_ref_model to false', edits: replaceValue(config.file, sync.node, false) };
    if (method === 'grpo' && since && numberOr(config, 'beta', 0) === 0) {
      report({
        at: beta ? [sync, beta] : sync,
        // The default of beta was 0.04 in old releases.
        severity: beta ? since : 'warning',
        message: `sync_ref_model needs a reference model, and with beta 0${beta ? '' : ', its default,'} GRPO keeps none; it stops at start-up${from}.`,
        fixes: [off],
      });
    } else if (((method === 'grpo' && since) || method === 'dpo') && adapters && isTrue(config, 'use_peft')) {
      report({
        at: [sync, adapters],
        severity: method === 'dpo' ? 'error' : (since ?? 'warning'),
        message:
          'With adapters the reference is the base model itself, which sync_ref_model cannot update; TRL stops at start-up.',
        fixes: [off],
      });
    } else if (method === 'dpo' && early && isTrue(config, 'precompute_ref_log_probs')) {
      report({
        at: [sync, early],
        message:
          'precompute_ref_log_probs keeps the reference as it was, and sync_ref_model moves it; DPOTrainer stops at start-up.',
        fixes: [
          off,
          {
            title: 'Compute them as training goes',
            edits: early.node ? replaceValue(config.file, early.node, false) : [],
          },
        ],
      });
    }
  },
});
