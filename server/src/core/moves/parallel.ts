import { known, valueIfKnown } from '../run/known';
import type { TrainingRun } from '../run/training-run';
import type { Config } from '../source';
import { argumentsOf, argumentWrite } from './arguments';
import { isBatchOpen } from './batch';
import { accelerateMesh, dividesHeads, fsdpMesh, isRecent, NEEDS_MESH, PREFIX, SIZES } from './mesh';
import { type Dimension, type Move, type Write, writeTo } from './move';
import { resized } from './resize';
import { isOpen, TRIED } from './settled';
import { fsdpOf, zeroOf } from './sharding';

/**
 * Shards inside each node and copies between nodes under FSDP2, which has a mesh for what FSDP1 calls HYBRID_SHARD
 * (accelerate src/accelerate/parallelism_config.py:357, 1.15.0).
 */
export const hybridMesh: Dimension = (run, note) => {
  const mesh = fsdpMesh(run, note);
  const { gpusPerNode, nodes, parallelism } = run;
  if (!mesh || !gpusPerNode.known || !nodes.known || nodes.value < 2 || gpusPerNode.value < 2) return [];
  // Other dimensions share the ranks of a node; their groups would have to be dealt out anew.
  if (['tp', 'cp', 'sp', 'dp_replicate'].some((name) => mesh.size(name) > 1)) return [];
  const [inside, copies] = [gpusPerNode.value, nodes.value];
  if (!parallelism.data.known || parallelism.data.value !== inside * copies) return [];
  return [
    {
      dimension: 'mesh',
      title: `Shard inside each node and copy between nodes (dp_shard_size ${inside}, dp_replicate_size ${copies})`,
      training: 'same',
      note: NEEDS_MESH,
      writes: mesh.write({ dp_replicate: copies, dp_shard: inside }),
      apply: (it) => ({ ...it, parallelism: { ...it.parallelism, shard: known(inside, TRIED) } }),
    },
  ];
};

/**
 * Splits each sample over several GPUs: context parallelism under FSDP2, Ulysses under DeepSpeed. Only for TRL's SFT, whose
 * trainer deals the batches out for both (trl/trainer/sft_trainer.py:1153 and 1165, 1.16.0); accumulation grows as the ranks
 * with samples of their own become fewer.
 */
export const sequenceSplit: Dimension = (run, note) => {
  const { context, data } = run.parallelism;
  const { sequenceLength } = run.batch;
  if (!context.known || !data.known || data.value * context.value < 2 || !sequenceLength.known) return [];
  const kind = splitKind(run);
  if (typeof kind === 'string') {
    note?.({ what: WHAT, because: kind });
    return [];
  }
  if (!isBatchOpen(run, note) || !isOpen(run, WHAT, [context], note)) return [];
  const ranks = data.value * context.value;
  return [1, ...SIZES]
    .filter((size) => size !== context.value && ranks % size === 0 && size <= (valueIfKnown(run.gpusPerNode) ?? 1))
    .filter((size) => size === 1 || (sequenceLength.value % (kind.padding * size) === 0 && kind.divides(size)))
    .flatMap((size): Move[] => {
      const padded = size === 1 ? undefined : argumentWrite(run, 'pad_to_multiple_of', kind.padding * size);
      if (size > 1 && !padded) return [];
      const own = {
        title: `${size === 1 ? 'Do not split samples' : `Split each sample over ${size} GPUs`} (${kind.key}_size ${size})`,
        writes: [...kind.writes(size, ranks / size), ...(padded ? [padded] : [])],
      };
      return resized(run, size, 'context', { dimension: WHAT, note: kind.needs, own });
    });
};

const WHAT = 'sequence split';

interface SplitKind {
  readonly key: 'cp' | 'sp';
  readonly needs: string;
  /** Times the ranks that a row's length has to divide by: ring attention gives each rank two pieces. */
  readonly padding: 1 | 2;
  divides(size: number): boolean;
  writes(size: number, data: number): readonly Write[];
}

/** How samples would be split, or why the files cannot say so. */
function splitKind(run: TrainingRun): SplitKind | string {
  if (!isSft(run))
    return "the script must pad rows and deal them out for it, which TRL's SFT does and no file shows of others";
  const { accelerate } = run.configs;
  if (accelerate && fsdpOf(run)) return ringSplit(run);
  return accelerate && zeroOf(run)
    ? ulyssesSplit(run, accelerate)
    : 'it is switched on in an Accelerate file that starts FSDP2 or DeepSpeed';
}

function ringSplit(run: TrainingRun): SplitKind | string {
  const mesh = fsdpMesh(run);
  if (!mesh) return 'it needs FSDP2 with accelerate 1.12 or later';
  if (!isRecent(run, 'transformers', '4.57')) return 'it needs transformers 4.57';
  if (valueIfKnown(run.attention) !== 'sdpa') return 'ring attention needs attn_implementation sdpa';
  if (valueIfKnown(run.batch.packing) !== false) return 'ring attention does not keep packed samples apart';
  return {
    key: 'cp',
    needs: `${NEEDS_MESH} and transformers 4.57`,
    padding: 2,
    divides: () => ['tp', 'sp', 'dp_replicate'].every((name) => mesh.size(name) === 1),
    writes: (size, data) => mesh.write({ cp: size, dp_shard: data }),
  };
}

function ulyssesSplit(run: TrainingRun, accelerate: Config): SplitKind | string {
  const attention = valueIfKnown(run.attention);
  const mesh = accelerateMesh(run);
  if (run.configs.deepspeed || !mesh)
    return 'Ulysses is searched only where the Accelerate file holds the DeepSpeed settings';
  if (attention === undefined || attention === 'eager' || attention === 'flex_attention')
    return 'Ulysses needs attn_implementation sdpa or Flash Attention';
  if (!isRecent(run, 'transformers', '5.0') || !isRecent(run, 'deepspeed', '0.18.2'))
    return 'Ulysses needs transformers 5 and deepspeed 0.18.2';
  return {
    key: 'sp',
    needs: `${NEEDS_MESH}, transformers 5 and deepspeed 0.18.2`,
    padding: 1,
    divides: (size) => dividesHeads(run, size),
    writes: (size) =>
      size === 1
        ? mesh.write({ sp: 1 })
        : [
            ...mesh.write({ sp: size }),
            writeTo(accelerate, `${PREFIX}sp_backend`, 'deepspeed'),
            writeTo(accelerate, `${PREFIX}sp_attn_implementation`, attention),
          ],
  };
}

function isSft(run: TrainingRun): boolean {
  return argumentsOf(run).trl && run.method.known && run.method.value === 'sft' && run.method.origin.kind !== 'assumed';
}
