import { truthOf } from '../rules-support/fsdp';
import { isSet, recipe } from '../rules-support/trainer-recipe';
import { removeFix } from '../rules-support/zero';
import { setting, stringOf } from '../settings';
import { rule } from './rule';

const DS = '{ "train_micro_batch_size_per_gpu": "auto", "zero_optimization": { "stage": 3 } }';

/** Reports runs that are to be sharded by both FSDP and DeepSpeed. */
export const fsdpAndDeepspeed = rule({
  id: 'fsdp-and-deepspeed',
  severity: 'error',
  applies: ['trainer'],
  needs: ['fsdp'],
  why: 'FSDP and DeepSpeed both take over the model, its gradients and its optimizer. The Trainer raises a ValueError when both are switched on.',
  source: ['transformers src/transformers/trainer.py:460 (5.18.0)'],
  verified: 'run',
  examples: {
    bad: [{ files: { 'train.yaml': recipe('deepspeed: ds.json\nfsdp: full_shard auto_wrap\n'), 'ds.json': DS } }],
    good: [
      { files: { 'train.yaml': recipe('deepspeed: ds.json\nfsdp: ""\n'), 'ds.json': DS } },
      { files: recipe('fsdp: full_shard auto_wrap\n') },
    ],
  },
  check({ config, run, report }) {
    const fsdp = setting(config, 'fsdp');
    if (!fsdp || !isOn()) return;
    const deepspeed = setting(config, 'deepspeed');
    if (
      deepspeed &&
      isSet(config, 'deepspeed') &&
      !(deepspeed.node?.kind === 'scalar' && (deepspeed.node.templated || stringOf(deepspeed) === ''))
    ) {
      report({
        at: [fsdp, deepspeed],
        message: 'fsdp and deepspeed are both set, and both would shard the model; the Trainer stops at start-up.',
        fixes: [removeFix(fsdp), removeFix(deepspeed)],
      });
      return;
    }
    const { accelerate } = run.configs;
    const type = accelerate && setting(accelerate, 'distributed_type');
    if (deepspeed || stringOf(type) !== 'DEEPSPEED' || !type) return;
    report({
      at: fsdp,
      related: [{ at: type, message: 'The launcher starts DeepSpeed here.' }],
      message:
        'fsdp is set, but the Accelerate file of this run starts DeepSpeed, and both would shard the model; the Trainer stops at start-up.',
      fixes: [removeFix(fsdp)],
    });

    function isOn(): boolean {
      if (fsdp?.node?.kind === 'sequence') return fsdp.node.items.length > 0;
      if (truthOf(fsdp) === true) return true;
      const text = fsdp?.node?.kind === 'scalar' && !fsdp.node.templated ? stringOf(fsdp) : undefined;
      return text !== undefined && text.trim() !== '' && truthOf(fsdp) === undefined;
    }
  },
});
