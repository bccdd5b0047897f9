import { isTrue, recipe } from '../rules-support/trainer-recipe';
import { isAtLeast, statedVersion } from '../schema/versions';
import { numberOf, setting, stringOf } from '../settings';
import { replaceValue } from '../syntax/editing';
import { rule } from './rule';

const GRPO = (size: number) => ({
  'train.yaml': recipe(
    `num_generations: 2\nmax_completion_length: 256\nuse_vllm: true\nvllm_mode: colocate\nvllm_tensor_parallel_size: ${size}\n`,
  ),
  'shardlens.json': '{ "target": "box", "targets": { "box": { "hardware": "p4d.24xlarge", "gpusPerNode": 8 } } }',
});

/** Checks that vLLM's groups fill the training ranks they share. */
export const vllmParallelNotDividingWorld = rule({
  id: 'vllm-parallel-not-dividing-world',
  severity: 'error',
  applies: ['trainer'],
  needs: ['vllm_tensor_parallel_size'],
  why: 'In colocate mode vLLM runs on the training GPUs in groups of vllm_tensor_parallel_size, and TRL raises a ValueError when the groups do not fill the world.',
  source: ['trl trl/generation/vllm_generation.py:312 (1.13.0)'],
  verified: 'run',
  examples: { bad: [{ files: GRPO(3) }], good: [{ files: GRPO(2) }] },
  check({ config, run, report }) {
    const found = setting(config, 'vllm_tensor_parallel_size');
    const size = numberOf(found);
    const mode = setting(config, 'vllm_mode');
    const stated = statedVersion(run, 'trl');
    if (!found?.node || size === undefined || size < 2 || !isTrue(config, 'use_vllm') || !run.worldSize.known) return;
    // The default mode was server up to 0.29 and is colocate from 1.0 on.
    const colocated = mode ? stringOf(mode) === 'colocate' : stated !== undefined && isAtLeast(stated, '1.0.0');
    const world = run.worldSize.value;
    if (!colocated || world % size === 0) return;
    const fitting = Array.from({ length: size }, (_, index) => size - index).find((one) => world % one === 0) ?? 1;
    report({
      at: found,
      severity: run.worldSize.origin.kind === 'assumed' ? 'warning' : 'error',
      message: `vllm_tensor_parallel_size ${size} does not divide the ${world} training GPUs it shares in colocate mode; the job stops when vLLM starts.`,
      fixes: [
        {
          title: `Set vllm_tensor_parallel_size to ${fitting}`,
          edits: replaceValue(config.file, found.node, fitting),
        },
      ],
    });
  },
});
