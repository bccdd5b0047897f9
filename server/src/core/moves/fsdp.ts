import { known } from '../run/known';
import type { TrainingRun } from '../run/training-run';
import { setting } from '../settings';
import { argumentsOf, argumentWrite } from './arguments';
import { launcherWrite } from './launcher';
import { type Dimension, type Move, type Write, writeTo } from './move';
import { isOpen, TRIED } from './settled';
import { fsdpOf, withFsdp } from './sharding';

const WORDS = { FULL_SHARD: 'full_shard', SHARD_GRAD_OP: 'shard_grad_op', HYBRID_SHARD: 'hybrid_shard' } as const;
type Strategy = keyof typeof WORDS;
const STRATEGIES: readonly Strategy[] = ['FULL_SHARD', 'SHARD_GRAD_OP', 'HYBRID_SHARD'];

/** The other ways FSDP spreads weights; hybrid shards of FSDP2 are a mesh, see `parallel`. */
export const fsdpStrategy: Dimension = (run, note) => {
  const fsdp = fsdpOf(run);
  if (!fsdp || !isOpen(run, 'FSDP strategy', [fsdp.strategy], note)) return [];
  if (!fsdp.strategy.known || !fsdp.version.known) return [];
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

/**
 * Gathering the next unit while one computes; FSDP1 waits for each gather unless told otherwise, FSDP2 never does
 * (accelerate src/accelerate/utils/dataclasses.py:1615, 1.15.0).
 */
export const fsdpPrefetch: Dimension = (run, note) => {
  const fsdp = fsdpOf(run);
  if (!fsdp?.version.known || fsdp.version.value !== 1) return [];
  const { backwardPrefetch } = fsdp;
  if (!backwardPrefetch.known || backwardPrefetch.value !== 'NO_PREFETCH') return [];
  if (!isOpen(run, 'FSDP prefetch', [backwardPrefetch], note)) return [];
  const { trainer } = run.configs;
  const write: Write | undefined =
    argumentsOf(run).get('fsdp') === undefined
      ? launcherWrite(run, 'fsdp_config', 'fsdp_backward_prefetch', 'BACKWARD_PRE')
      : trainer && { ...trainerFsdpKey(run, 'backward_prefetch'), value: 'backward_pre' };
  if (!write) return [];
  return [
    {
      dimension: 'FSDP prefetch',
      title: 'Gather the next unit ahead in the backward pass (BACKWARD_PRE)',
      training: 'same',
      writes: [write],
      apply: (it) => withFsdp(it, (value) => ({ ...value, backwardPrefetch: known('BACKWARD_PRE', TRIED) })),
    },
  ];
};

/** A key of the Trainer's fsdp_config: in the section or file there is, else in a new section. */
export function trainerFsdpKey({ configs: { trainer, fsdp } }: TrainingRun, key: string): Omit<Write, 'value'> {
  if (fsdp) {
    const prefixed = setting(fsdp, `fsdp_${key}`) !== undefined;
    const { path, key: written } = writeTo(fsdp, prefixed ? `fsdp_${key}` : key, undefined);
    return { path, key: written };
  }
  return { path: trainer?.file.path ?? '', key: `fsdp_config.${key}` };
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
  const words = argumentsOf(run).get('fsdp');
  if (!words) return launcherWrite(run, 'fsdp_config', 'fsdp_sharding_strategy', strategy);
  const old = WORDS[now as Strategy];
  if (typeof words.plain !== 'string' || !old || !words.plain.split(' ').includes(old)) return undefined;
  const changed = words.plain.split(' ').map((word) => (word === old ? WORDS[strategy] : word));
  return argumentWrite(run, 'fsdp', changed.join(' '));
}

/** FSDP2 knows two ways: weights are given back after the forward pass, or kept until the backward pass. */
function reshardWrite(run: TrainingRun, strategy: Strategy): Write | undefined {
  const value = strategy === 'FULL_SHARD';
  if (argumentsOf(run).get('fsdp') === undefined)
    return launcherWrite(run, 'fsdp_config', 'fsdp_reshard_after_forward', value);
  return run.configs.trainer ? { ...trainerFsdpKey(run, 'reshard_after_forward'), value } : undefined;
}
