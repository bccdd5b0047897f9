import { recipe } from '../rules-support/trainer-recipe';
import { removeFix } from '../rules-support/zero';
import { booleanOf, numberOf, scalarOf, setting, stringOf } from '../settings';
import { rule } from './rule';

const GRPO = (lines: string) => recipe(`num_generations: 2\nmax_completion_length: 64\n${lines}`);

const NEW = (lines: string) => ({ 'train.yaml': GRPO(lines), 'requirements.txt': 'trl==1.16.0\n' });

/** Reports bounds of vLLM's importance sampling that leave no room, or no bound. */
export const importanceSamplingBounds = rule({
  id: 'importance-sampling-bounds',
  severity: 'error',
  applies: ['trainer'],
  needs: ['vllm_importance_sampling_clip_max'],
  why: 'Ratios between the policy and vLLM are kept between clip_min and clip_max. GRPOConfig raises a ValueError when the bounds are the wrong way round, and when a truncating mode has none of them.',
  source: ['trl trl/trainer/grpo_config.py:1156 (1.16.0)'],
  verified: 'run',
  examples: {
    bad: [
      { files: GRPO('vllm_importance_sampling_clip_min: 3.0\nvllm_importance_sampling_clip_max: 2.0\n') },
      { files: GRPO('vllm_importance_sampling_mode: token_truncate\nvllm_importance_sampling_clip_max: null\n') },
    ],
    good: [
      { files: NEW('vllm_importance_sampling_clip_min: 0.5\nvllm_importance_sampling_clip_max: 2.0\n') },
      { files: NEW('vllm_importance_sampling_mode: token_mask\nvllm_importance_sampling_clip_max: null\n') },
    ],
  },
  check({ config, report }) {
    const low = setting(config, 'vllm_importance_sampling_clip_min');
    const high = setting(config, 'vllm_importance_sampling_clip_max');
    const least = numberOf(low);
    const most = high ? numberOf(high) : 3;
    if (low && least !== undefined && most !== undefined && least >= most) {
      report({
        at: high ? [low, high] : low,
        message: `vllm_importance_sampling_clip_min ${least} is not below vllm_importance_sampling_clip_max ${most}${high ? '' : ', its default'}; GRPO stops at start-up.`,
        fixes: [removeFix(low)],
      });
    }
    const mode = setting(config, 'vllm_importance_sampling_mode');
    const correction = setting(config, 'vllm_importance_sampling_correction');
    const isOff = correction !== undefined && booleanOf(correction) !== true;
    if (!mode || !high || isOff || scalarOf(high)?.type !== 'null') return;
    if (!/_truncate$/.test(stringOf(mode) ?? '') || (low && scalarOf(low)?.type !== 'null')) return;
    report({
      at: [high, mode],
      message: `vllm_importance_sampling_mode ${stringOf(mode)} needs a bound, and both are null; GRPO stops at start-up.`,
      fixes: [removeFix(high)],
    });
  },
});
