import { known, unknown } from '../run/known';
import type { Optimizer, TrainingRun } from '../run/training-run';
import { setting } from '../settings';
import { argumentWrite } from './arguments';
import type { Dimension, Move, TrainingEffect } from './move';
import { isOpen, TRIED } from './settled';
import { optimizerOf, zeroOf } from './sharding';

interface Choice {
  readonly name: string;
  readonly training: TrainingEffect;
  readonly implementation: 'fused' | 'paged' | 'loop';
  readonly note?: string;
}

const BITSANDBYTES = 'needs the bitsandbytes package';

/** Adam in less memory or time, the most alike first (transformers src/transformers/training_args.py OptimizerNames, 5.18.0). */
const CHOICES: readonly Choice[] = [
  { name: 'adamw_torch_fused', training: 'same', implementation: 'fused' },
  { name: 'adamw_bnb_8bit', training: 'numerics', implementation: 'fused', note: BITSANDBYTES },
  { name: 'paged_adamw_8bit', training: 'numerics', implementation: 'paged', note: BITSANDBYTES },
  {
    name: 'adafactor',
    training: 'numerics',
    implementation: 'loop',
    note: 'another optimizer: its learning rate differs',
  },
];

/** Optimizers of the Trainer that keep smaller states; DeepSpeed's own and a script's are left alone. */
export const optimizer: Dimension = (run, note) => {
  const { sharding } = run;
  // Who would step if nothing were offloaded: an offloaded optimizer is DeepSpeed's own.
  const { name, owner } = sharding.known && zeroOf(run) ? optimizerOf(run, ONE_GPU) : run.optimizer;
  const named =
    run.optimizer.owner === 'deepspeed' && run.configs.deepspeed && setting(run.configs.deepspeed, 'optimizer.type');
  const because = named ? OTHERS.deepspeed : OTHERS[owner];
  if (because !== undefined) note?.({ what: 'optimizer', because });
  if (because !== undefined || !name.known || !/^adamw_torch(_fused)?$/.test(name.value)) return [];
  if (!isOpen(run, 'optimizer', [name], note)) return [];
  return CHOICES.filter((choice) => choice.name !== name.value).flatMap((choice): Move[] => {
    const write = argumentWrite(run, 'optim', choice.name);
    if (!write) return [];
    return [
      {
        dimension: 'optimizer',
        title: `Set optim to ${choice.name}`,
        training: choice.training,
        ...(choice.note && { note: choice.note }),
        writes: [write],
        allows: (it) => it.optimizer.owner === 'trainer',
        apply: (it) => ({ ...it, optimizer: built(choice) }),
      },
    ];
  });
};

/** Nothing that replaces an optimizer. */
const ONE_GPU: TrainingRun['sharding'] = unknown('nothing is sharded');

/** Who makes the optimizer where the Trainer does not. */
const OTHERS: Readonly<Record<Optimizer['owner'], string | undefined>> = {
  deepspeed: 'DeepSpeed makes it, and has none with smaller states',
  code: 'the script makes it',
  trainer: undefined,
};

function built({ name, implementation }: Choice): Optimizer {
  return { name: known(name, TRIED), implementation: known(implementation, TRIED), owner: 'trainer' };
}
