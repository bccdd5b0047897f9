import { type Known, valueIfKnown } from '../../run/known';
import type { TrainingRun } from '../../run/training-run';
import type { Facts } from './facts';

type Ranks = Pick<
  Facts,
  'tensor' | 'pipeline' | 'context' | 'expert' | 'shards' | 'replicas' | 'gpusPerNode' | 'nodes' | 'splitsVocabulary'
>;

/** How many ranks split what; undefined where the number of shards is not known. */
export function readRanks(run: TrainingRun, isSharded: boolean): Ranks | undefined {
  const { parallelism, sharding } = run;
  const shards = isSharded ? shardRanks(run) : 1;
  if (shards === undefined) return undefined;
  const isFsdp = valueIfKnown(sharding)?.kind === 'fsdp';
  return {
    tensor: ranks(parallelism.tensor),
    pipeline: ranks(parallelism.pipeline),
    context: ranks(parallelism.context),
    expert: ranks(parallelism.expert),
    shards,
    replicas: isFsdp ? Math.max(1, (valueIfKnown(parallelism.data) ?? shards) / shards) : 1,
    gpusPerNode: valueIfKnown(run.gpusPerNode),
    nodes: valueIfKnown(run.nodes),
    splitsVocabulary: valueIfKnown(sharding)?.kind === 'megatron' || isMegatronStyle(run),
  };
}

function ranks(value: Known<number>): number {
  return value.known && value.value >= 1 ? value.value : 1;
}

/** Shards are spread over `shard`, else over all data-parallel ranks, else over the world that model parallelism leaves. */
function shardRanks(run: TrainingRun): number | undefined {
  const { shard, data, tensor, pipeline, context } = run.parallelism;
  const written = valueIfKnown(shard) ?? valueIfKnown(data);
  if (written !== undefined) return Math.max(1, written);
  const world = valueIfKnown(run.worldSize);
  return world === undefined ? undefined : Math.max(1, world / (ranks(tensor) * ranks(pipeline) * ranks(context)));
}

/** Stages of a pipeline are the user's own layers: Megatron's, as a rule; transformers has none that DeepSpeed could cut. */
function isMegatronStyle({ parallelism: { pipeline } }: TrainingRun): boolean {
  return pipeline.known && (pipeline.value > 1 || pipeline.origin.kind === 'file');
}
