import { ACCELERATE, FSDP_DEFAULTS } from '../dialects/accelerate/defaults';
import { readFsdp } from '../dialects/fsdp/read';
import { known, valueIfKnown } from '../run/known';
import type { FsdpSharding } from '../run/training-run';
import { isAtLeast, statedVersion } from '../schema/versions';
import { setting, stringOf } from '../settings';
import { argumentsOf, argumentWrite } from './arguments';
import { type Dimension, type Move, writeTo } from './move';
import { TRIED } from './settled';

/** What is written where an Accelerate file starts copies only; the rest are Accelerate's own defaults. */
const FSDP2 = {
  fsdp_version: 2,
  fsdp_auto_wrap_policy: 'TRANSFORMER_BASED_WRAP',
  fsdp_reshard_after_forward: true,
  fsdp_state_dict_type: 'SHARDED_STATE_DICT',
};

/**
 * FSDP2 instead of copies of everything on each GPU, where an Accelerate file starts several (accelerate 1.6 was the first with
 * fsdp_version; src/accelerate/utils/dataclasses.py:1588, 1.15.0). Quantised weights are left alone: how they shard depends
 * on how the script stores them.
 */
export const shardCopies: Dimension = (run) => {
  const { accelerate } = run.configs;
  const { data } = run.parallelism;
  if (!accelerate || !run.sharding.known || run.sharding.value.kind !== 'ddp' || run.quantization) return [];
  if (stringOf(setting(accelerate, 'distributed_type')) !== 'MULTI_GPU') return [];
  if (setting(accelerate, 'fsdp_config') || argumentsOf(run).get('fsdp', 'deepspeed')) return [];
  const stated = statedVersion(run, 'accelerate');
  if ((stated !== undefined && !isAtLeast(stated, '1.6')) || run.sharding.origin.kind === 'assumed') return [];
  const note = `${stated === undefined ? 'needs accelerate 1.6 or later; ' : ''}checkpoints are saved in shards`;
  const now = valueIfKnown(run.checkpointing);
  const off = argumentWrite(run, 'gradient_checkpointing', false);
  return [false, true].flatMap((recomputes): Move[] => {
    // FSDP recomputes the units it gathers; the Trainer's own way would gather each a second time.
    if (now === undefined || (now === 'full' && !(recomputes && off))) return [];
    const section = recomputes ? { ...FSDP2, fsdp_activation_checkpointing: true } : FSDP2;
    return [
      {
        dimension: 'sharding',
        title: `Shard weights, gradients and optimizer states with FSDP2${recomputes ? ', which then recomputes activations' : ''} (distributed_type FSDP)`,
        training: 'same',
        note,
        writes: [
          writeTo(accelerate, 'distributed_type', 'FSDP'),
          writeTo(accelerate, 'fsdp_config', section),
          ...(now === 'full' && off ? [off] : []),
        ],
        allows: (it) => valueIfKnown(it.checkpointing) === now,
        apply: (it) => ({
          ...it,
          sharding: known(SHARDED, TRIED),
          checkpointing: known(recomputes ? 'full' : now, TRIED),
          parallelism: { ...it.parallelism, shard: data },
        }),
      },
    ];
  });
};

const SHARDED: FsdpSharding = {
  ...readFsdp({
    get: () => undefined,
    of: ACCELERATE,
    defaults: FSDP_DEFAULTS,
    offloadKey: 'offload_params',
    words: undefined,
  }),
  version: known(2, TRIED),
  strategy: known('FULL_SHARD', TRIED),
  wrap: known('TRANSFORMER_BASED_WRAP', TRIED),
  stateDict: known('SHARDED_STATE_DICT', TRIED),
};
