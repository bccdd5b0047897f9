import type { Cluster } from '../hardware/hardware';
import { type Known, known, unknown, valueIfKnown } from './known';
import { megatronSetting } from './megatron';
import { scriptSizes } from './script-parallel';
import { isOlder, type RunSources } from './sources';
import type { Parallelism, Sharding } from './training-run';
import { byDefault, countFrom, firstKnown, writtenIn } from './written';

type Sources = Pick<RunSources, 'accelerate' | 'deepspeed' | 'links' | 'frameworks' | 'args'>;

/**
 * Ranks along each dimension, from DeepSpeed, Accelerate's parallelism_config and its Megatron plugin; on NeuronCores from
 * optimum-neuron's training arguments too (optimum/neuron/trainers/training_args.py:361, 0.4.6), and from the flags that a launch line
 * hands to a script of its own.
 */
export function readParallelism(
  sources: Sources,
  { worldSize, cluster }: { readonly worldSize: Known<number>; readonly cluster: Known<Cluster> },
): Parallelism {
  const { accelerate, deepspeed } = sources;
  const onNeuron = cluster.known && cluster.value.accelerator.coresPerChip !== undefined;
  const neuron = (name: string) => (onNeuron ? size(sources.args.get(name)) : undefined);
  const mesh = (name: string) => size(writtenIn(accelerate, `parallelism_config.parallelism_config_${name}`));
  const degree = (name: string) => size(megatronSetting(sources, name));
  const script = scriptSizes(sources);
  const off = byDefault(1, 'a run without this dimension', 'accelerate src/accelerate/commands/launch.py:905');
  const autotp = writtenIn(deepspeed, 'tensor_parallel.autotp_size');
  const tensor = firstKnown(
    '',
    autotp && countFrom(autotp, 0),
    mesh('tp_size'),
    degree('tp_degree'),
    neuron('tensor_parallel_size'),
    script.tensor,
    off,
  );
  const parallelism = {
    tensor: tensor.known && tensor.value === 0 ? known(1, tensor.origin) : tensor,
    pipeline: firstKnown(
      '',
      size(writtenIn(deepspeed, 'pipeline.stages')),
      degree('pp_degree'),
      neuron('pipeline_parallel_size'),
      script.pipeline,
      off,
    ),
    context: firstKnown(
      '',
      size(writtenIn(deepspeed, 'sequence_parallel_size')),
      mesh('cp_size'),
      mesh('sp_size'),
      megatronContext(sources, worldSize),
      script.context,
      off,
    ),
    expert: firstKnown(
      '',
      size(writtenIn(deepspeed, 'expert_parallel.autoep_size')),
      degree('expert_model_parallel_size'),
      off,
    ),
  };
  const { tensor: tensorRanks, pipeline, context, expert } = parallelism;
  const data = divide(worldSize, tensorRanks, pipeline, context);
  return { tensor: tensorRanks, pipeline, context, expert, data, shard: data };
}

/** The Megatron plugin takes 2 where the key is absent since 1.13 (accelerate utils/dataclasses.py:2681, 1.15.0); before, Megatron's own 1. */
function megatronContext(sources: Sources, worldSize: Known<number>): Known<number> | undefined {
  const [tensor, pipeline] = ['tp_degree', 'pp_degree'].map((key) => megatronSetting(sources, key));
  const written = size(megatronSetting(sources, 'context_parallel_size'));
  if (written || (!tensor && !pipeline)) return written;
  const { accelerate } = sources.frameworks;
  const isOld = isOlder(accelerate, '1.13');
  const ranks = [tensor, pipeline].reduce((product, one) => product * (valueIfKnown(size(one)) ?? 1), 2);
  // What 1.13 could not start is a run of an older release, where the release is not known.
  const cannotStart = !accelerate?.known && worldSize.known && worldSize.value % ranks !== 0;
  return isOld || cannotStart
    ? byDefault(1, 'accelerate before 1.13', 'Megatron-LM megatron/training/arguments.py')
    : byDefault(2, 'accelerate 1.15.0', 'accelerate src/accelerate/utils/dataclasses.py:2681');
}

function size(written: ReturnType<typeof writtenIn>): Known<number> | undefined {
  return written && typeof written.plain === 'number' ? countFrom(written) : undefined;
}

function divide(worldSize: Known<number>, ...by: readonly Known<number>[]): Known<number> {
  if (!worldSize.known) return worldSize;
  let ranks = worldSize.value;
  for (const one of by) {
    if (!one.known) return unknown(one.why, one.origin);
    ranks /= one.value;
  }
  if (ranks === worldSize.value) return worldSize;
  const parts = by.flatMap((one) => (one.known && one.value > 1 ? [one] : []));
  const formula = `${worldSize.value} ÷ ${parts.map((one) => one.value).join(' ÷ ')}`;
  if (!Number.isInteger(ranks)) return unknown(`${formula} is not a whole number of ranks`, parts[0]?.origin);
  return known(ranks, { kind: 'derived', formula, from: [worldSize.origin, ...parts.map((one) => one.origin)] });
}

/** Ranks one set of shards is spread over, once the sharding is known. Ulysses and context parallel ranks share shards too. */
export function shardRanks(
  sources: Pick<Sources, 'accelerate'>,
  { data, context }: Parallelism,
  sharding: Known<Sharding>,
  gpusPerNode: Known<number>,
): Known<number> {
  if (!sharding.known) return unknown(sharding.why, sharding.origin);
  const { value } = sharding;
  const isWhole = value.kind === 'megatron' && value.distributedOptimizer.known && !value.distributedOptimizer.value;
  if (value.kind === 'single' || value.kind === 'ddp' || isWhole)
    return known(1, { kind: 'derived', formula: 'weights are replicated', from: [sharding.origin] });
  const replicas = size(writtenIn(sources.accelerate, 'parallelism_config.parallelism_config_dp_replicate_size'));
  if (value.kind === 'fsdp' && replicas?.known && replicas.value > 1) return divide(data, replicas);
  if (value.kind === 'fsdp' && value.strategy.known && value.strategy.value.startsWith('HYBRID')) {
    return gpusPerNode.known
      ? known(gpusPerNode.value, {
          kind: 'derived',
          formula: 'HYBRID_SHARD shards inside a node',
          from: [value.strategy.origin, gpusPerNode.origin],
        })
      : gpusPerNode;
  }
  if (value.kind === 'fsdp' && value.strategy.known && value.strategy.value === 'NO_SHARD')
    return known(1, value.strategy.origin);
  if (value.kind === 'zero' && value.micsShardRanks.known && value.micsShardRanks.value > 0)
    return value.micsShardRanks;
  if (value.kind === 'zero' && value.stage.known && value.stage.value === 0) return known(1, value.stage.origin);
  if (!context.known || context.value === 1 || !data.known) return data;
  const formula = `${data.value} × ${context.value}: context-parallel ranks share the shards`;
  return known(data.value * context.value, { kind: 'derived', formula, from: [data.origin, context.origin] });
}
