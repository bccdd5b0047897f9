import { ACCELERATE } from '../dialects/accelerate/defaults';
import { type Known, known, unknown } from './known';
import { isOlder, type RunSources } from './sources';
import type { MegatronSharding, TrainingRun } from './training-run';
import { booleanFrom, byDefault, choiceFrom, countFrom, numberFrom, type Written, writtenIn } from './written';

type Sources = Pick<RunSources, 'accelerate' | 'links'>;

const PLUGIN = 'accelerate src/accelerate/utils/dataclasses.py';
const OLD = 'accelerate before 1.13';

/** A key of Accelerate's Megatron plugin, where the file or a flag chooses Megatron: the flag of the launch line comes first. */
export function megatronSetting({ accelerate, links }: Sources, key: string): Written | undefined {
  const flags = links.launch?.launcher === 'accelerate' ? links.launch.flags : undefined;
  const isRead =
    writtenIn(accelerate, 'distributed_type')?.plain === 'MEGATRON_LM' || flags?.has('use_megatron_lm') === true;
  if (!isRead) return undefined;
  return flags?.get(`megatron_lm_${key}`) ?? writtenIn(accelerate, `megatron_lm_config.megatron_lm_${key}`);
}

/**
 * The plugin's own defaults (MegatronLMPlugin.__post_init__, 1.15.0). What 1.13 brought, the releases before it leave to
 * Megatron's own: dropout of 0.1 and learned positions.
 */
export function readMegatron(sources: RunSources): MegatronSharding {
  const flag = (key: string, line: number): Known<boolean> => {
    const written = megatronSetting(sources, key);
    return written ? booleanFrom(written) : byDefault(false, ACCELERATE, `${PLUGIN}:${line}`);
  };
  const old = isOlder(sources.frameworks.accelerate, '1.13');
  const since = <T>(key: string, read: (written: Written) => Known<T>, now: T, then: T, line: number): Known<T> => {
    const written = old ? undefined : megatronSetting(sources, key);
    if (written) return read(written);
    return old
      ? byDefault(then, OLD, 'Megatron-LM megatron/training/arguments.py')
      : byDefault(now, ACCELERATE, `${PLUGIN}:${line}`);
  };
  return {
    kind: 'megatron',
    distributedOptimizer: flag('use_distributed_optimizer', 2666),
    offloadOptimizer: flag('optimizer_cpu_offload', 2640),
    sequenceParallel: flag('sequence_parallelism', 2669),
    dropout: since('hidden_dropout', numberFrom, 0, 0.1, 2687),
    rotary: since('use_rotary_position_embeddings', booleanFrom, true, false, 2701),
    fusedAttention: fusedAttention(sources, old),
  };
}

/** Since 1.13 the layers are Transformer Engine's (gpt_builder); before, Megatron's legacy ones, whose `use_flash_attn` is off. */
function fusedAttention({ frameworks: { accelerate } }: RunSources, old: boolean): Known<boolean> {
  if (old) return byDefault(false, OLD, 'accelerate src/accelerate/utils/megatron_lm.py (1.12.0)');
  if (accelerate?.known) return byDefault(true, ACCELERATE, 'accelerate src/accelerate/utils/megatron_lm.py:110');
  return unknown(
    "Transformer Engine's kernels since accelerate 1.13, Megatron's own before, and the version is not known",
  );
}

/**
 * Since accelerate 1.13 the plugin passes recompute_granularity, `full` unless told otherwise, and looks at recompute_activations
 * no more; before, that key meant selective recomputation, and there was none without it (dataclasses.py:2572, 1.12.0).
 */
export function megatronCheckpointing(sources: RunSources): TrainingRun['checkpointing'] {
  const granularity = megatronSetting(sources, 'recompute_granularity');
  const { accelerate } = sources.frameworks;
  const old = isOlder(accelerate, '1.13');
  if (granularity && !old) {
    const method = megatronSetting(sources, 'recompute_method');
    const layers = megatronSetting(sources, 'recompute_num_layers');
    if (method && method.plain !== 'uniform') return unknown('only some blocks are recomputed', method.origin);
    const each = layers && countFrom(layers);
    if (each && !(each.known && each.value === 1))
      return unknown('several blocks are recomputed at once', layers?.origin);
    return choiceFrom(granularity, ['full', 'selective'] as const);
  }
  const activations = megatronSetting(sources, 'recompute_activations');
  const on = activations ? booleanFrom(activations) : byDefault(false, ACCELERATE, `${PLUGIN}:2662`);
  if (old) return on.known ? known(on.value ? 'selective' : 'none', on.origin) : on;
  if (accelerate?.known) return byDefault('full', ACCELERATE, `${PLUGIN}:2671`);
  return unknown(
    'accelerate recomputes all blocks since 1.13 and does what recompute_activations says before, and the version is not known',
    activations?.origin,
  );
}
