import { known } from '../run/known';
import type { FsdpSharding, TrainingRun } from '../run/training-run';
import { setting, stringOf } from '../settings';
import { type Dimension, isSettledByFiles, type Move, TRIED, type Write, writeTo } from './move';
import { trainerFsdpKey } from './recompute';

const WORDS = { FULL_SHARD: 'full_shard', SHARD_GRAD_OP: 'shard_grad_op', HYBRID_SHARD: 'hybrid_shard' } as const;
type Strategy = keyof typeof WORDS;
const STRATEGIES: readonly Strategy[] = ['FULL_SHARD', 'SHARD_GRAD_OP', 'HYBRID_SHARD'];

/** The other ways FSDP spreads weights; hybrid shards need a mesh under FSDP2, which the files may not have, so FSDP1 only. */
export const fsdpStrategy: Dimension = (run) => {
  const fsdp = fsdpOf(run);
  if (!fsdp?.strategy.known || !fsdp.version.known || !isSettledByFiles(run, fsdp.strategy)) return [];
  const now = fsdp.strategy.value;
  const version = fsdp.version.value;
  const severalNodes = run.nodes.known && run.nodes.value > 1;
  return STRATEGIES.filter((it) => it !== now && (it !== 'HYBRID_SHARD' || (version === 1 && severalNodes))).flatMap(
    (strategy): Move[] => {
      const write = version === 1 ? strategyWrite(run, now, strategy) : reshardWrite(run, strategy);
      if (!write) return [];
      return [
        {
          dimension: 'FSDP strategy',
          title: version === 1 ? `Shard with ${strategy}` : `Set ${write.key.split('.').pop()} to ${write.value}`,
          training: 'same',
          writes: [write],
          apply: (it) => withStrategy(it, strategy),
        },
      ];
    },
  );
};

/** Shards on the host, or back on the GPU. */
export const fsdpOffload: Dimension = (run) => {
  const fsdp = fsdpOf(run);
  if (!fsdp?.offloadParams.known || !isSettledByFiles(run, fsdp.offloadParams)) return [];
  const on = !fsdp.offloadParams.value;
  const { accelerate, trainer } = run.configs;
  const write =
    accelerate && setting(accelerate, 'fsdp_config')
      ? writeTo(accelerate, 'fsdp_config.fsdp_offload_params', on)
      : trainer && offloadWord(run, on);
  if (!write) return [];
  return [
    {
      dimension: 'FSDP offload',
      title: on ? 'Offload the shards to the host' : 'Keep the shards on the GPU',
      training: 'same',
      writes: [write],
      apply: (it) => withFsdp(it, (value) => ({ ...value, offloadParams: known(on, TRIED) })),
    },
  ];
};

function fsdpOf({ sharding }: TrainingRun): FsdpSharding | undefined {
  return sharding.known && sharding.value.kind === 'fsdp' ? sharding.value : undefined;
}

function withFsdp(run: TrainingRun, change: (fsdp: FsdpSharding) => FsdpSharding): TrainingRun {
  const fsdp = fsdpOf(run);
  return fsdp ? { ...run, sharding: known(change(fsdp), TRIED) } : run;
}

function withStrategy(run: TrainingRun, strategy: Strategy): TrainingRun {
  const shard = strategy === 'HYBRID_SHARD' ? run.gpusPerNode : run.parallelism.data;
  return {
    ...withFsdp(run, (fsdp) => ({ ...fsdp, strategy: known(strategy, TRIED) })),
    parallelism: { ...run.parallelism, shard },
  };
}

/** Accelerate has a key for it; the Trainer has a word of `fsdp` (transformers src/transformers/training_args.py:1930, 5.18.0). */
function strategyWrite(run: TrainingRun, now: string, strategy: Strategy): Write | undefined {
  const { accelerate, trainer } = run.configs;
  const words = trainer && setting(trainer, 'fsdp');
  if (!words) {
    return accelerate && setting(accelerate, 'fsdp_config')
      ? writeTo(accelerate, 'fsdp_config.fsdp_sharding_strategy', strategy)
      : undefined;
  }
  const text = stringOf(words);
  const old = WORDS[now as Strategy];
  if (!text || !old || !text.split(' ').includes(old)) return undefined;
  const changed = text.split(' ').map((word) => (word === old ? WORDS[strategy] : word));
  return writeTo(words.config, 'fsdp', changed.join(' '));
}

/** FSDP2 knows two ways: weights are given back after the forward pass, or kept until the backward pass. */
function reshardWrite(run: TrainingRun, strategy: Strategy): Write | undefined {
  const { accelerate, trainer } = run.configs;
  const value = strategy === 'FULL_SHARD';
  if (trainer && setting(trainer, 'fsdp')) return { ...trainerFsdpKey(run, 'reshard_after_forward'), value };
  return accelerate && setting(accelerate, 'fsdp_config')
    ? writeTo(accelerate, 'fsdp_config.fsdp_reshard_after_forward', value)
    : undefined;
}

function offloadWord(run: TrainingRun, on: boolean): Write | undefined {
  const { trainer } = run.configs;
  const words = trainer && setting(trainer, 'fsdp');
  const text = stringOf(words);
  if (!words || !text) return undefined;
  const others = text.split(' ').filter((word) => word !== 'offload');
  return writeTo(words.config, 'fsdp', [...others, ...(on ? ['offload'] : [])].join(' '));
}
