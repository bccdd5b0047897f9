import { known, valueIfKnown } from '../run/known';
import type { FrameworkName, TrainingRun } from '../run/training-run';
import { isAtLeast, statedVersion } from '../schema/versions';
import { numberOf, setting, stringOf } from '../settings';
import type { Config } from '../source';
import { argumentsOf, argumentWrite } from './arguments';
import { batchChange, isBatchOpen, perRank } from './batch';
import { type Dimension, type Move, type Note, type Write, writeTo } from './move';
import { isOpen, TRIED } from './settled';
import { fsdpOf, zeroOf } from './sharding';

const PREFIX = 'parallelism_config.parallelism_config_';
const SIZES = [2, 4, 8, 16] as const;

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

const NEEDS_MESH = 'needs accelerate 1.12 or later';

/**
 * Splits each sample over several GPUs: context parallelism under FSDP2, Ulysses under DeepSpeed. Only for TRL's SFT, whose
 * trainer deals the batches out for both (trl/trainer/sft_trainer.py:1153 and 1165, 1.16.0); accumulation grows as the ranks
 * with samples of their own become fewer.
 */
export const sequenceSplit: Dimension = (run, note) => {
  const { context, data } = run.parallelism;
  const { sequenceLength } = run.batch;
  const kind = splitKind(run, note);
  if (!kind || !context.known || !data.known || !sequenceLength.known || !isSft(run)) return [];
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
      return resized(run, size, 'context', { dimension: 'sequence split', note: kind.needs, own });
    });
};

/**
 * Other sizes of tensor parallelism. Only where it is on: the script then loads the model in slices, which no file shows
 * (accelerate src/accelerate/accelerator.py:1904, 1.15.0).
 */
export const tensorSize: Dimension = (run, note) => {
  const { tensor, data } = run.parallelism;
  if (!tensor.known || tensor.value < 2 || !data.known || !isBatchOpen(run, note)) return [];
  if (!isOpen(run, 'tensor parallelism', [tensor], note)) return [];
  const { deepspeed } = run.configs;
  const mesh = fsdpMesh(run);
  const autotp = deepspeed && setting(deepspeed, 'tensor_parallel.autotp_size');
  if (!autotp && !mesh) return [];
  const ranks = data.value * tensor.value;
  return SIZES.filter((size) => size !== tensor.value && ranks % size === 0 && dividesHeads(run, size)).flatMap(
    (size): Move[] => {
      if (size > (valueIfKnown(run.gpusPerNode) ?? 1)) return [];
      const writes = autotp
        ? [writeTo(autotp.config, autotp.path, size)]
        : (mesh?.write({ tp: size, dp_shard: ranks / size }) ?? []);
      const own = { title: `Set ${autotp ? 'autotp_size' : 'tp_size'} to ${size}`, writes };
      return resized(run, size, 'tensor', { dimension: 'tensor parallelism', note: undefined, own });
    },
  );
};

/** A move to another size of a dimension that data-parallel ranks make room for, with the global batch kept. */
function resized(
  run: TrainingRun,
  size: number,
  dimension: 'context' | 'tensor',
  move: { dimension: string; note: string | undefined; own: Pick<Move, 'title' | 'writes'> },
): Move[] {
  const before = valueIfKnown(run.parallelism[dimension]) ?? 1;
  const allows = ({ batch }: TrainingRun): boolean => {
    const accumulation = valueIfKnown(batch.accumulation) ?? 0;
    return perRank(batch) > 0 && Number.isInteger((accumulation * size) / before);
  };
  const apply = (it: TrainingRun): TrainingRun => {
    const { parallelism: p, batch } = it;
    const data = known(((valueIfKnown(p.data) ?? 1) * before) / size, TRIED);
    const shares = dimension === 'context' ? (data.known ? data.value * size : 1) : data.known ? data.value : 1;
    const shard = valueIfKnown(p.shard) === 1 ? p.shard : known(shares, TRIED);
    const accumulation = known(((valueIfKnown(batch.accumulation) ?? 1) * size) / before, TRIED);
    return {
      ...it,
      parallelism: { ...p, [dimension]: known(size, TRIED), data, shard },
      batch: { ...batch, accumulation },
    };
  };
  if (!allows(run)) return [];
  const batch = batchChange(run, apply(run));
  if (!batch) return [];
  const { own, note } = move;
  return [
    {
      dimension: move.dimension,
      training: 'same',
      title: `${own.title} and ${batch.title.charAt(0).toLowerCase()}${batch.title.slice(1)}`,
      writes: [...own.writes, ...batch.writes],
      ...(note !== undefined && { note }),
      beside: own,
      allows,
      apply,
    },
  ];
}

interface SplitKind {
  readonly key: 'cp' | 'sp';
  readonly needs: string;
  /** Times the ranks that a row's length has to divide by: ring attention gives each rank two pieces. */
  readonly padding: 1 | 2;
  divides(size: number): boolean;
  writes(size: number, data: number): readonly Write[];
}

function splitKind(run: TrainingRun, note?: Note): SplitKind | undefined {
  const { deepspeed, accelerate } = run.configs;
  const attention = valueIfKnown(run.attention);
  const mesh = fsdpMesh(run);
  if (!accelerate || !isBatchOpen(run, note) || !isOpen(run, 'sequence split', [run.parallelism.context], note)) {
    return undefined;
  }
  if (
    mesh &&
    attention === 'sdpa' &&
    valueIfKnown(run.batch.packing) === false &&
    isRecent(run, 'transformers', '4.57')
  ) {
    return {
      key: 'cp',
      needs: `${NEEDS_MESH} and transformers 4.57`,
      padding: 2,
      divides: () => ['tp', 'sp', 'dp_replicate'].every((name) => mesh.size(name) === 1),
      writes: (size, data) => mesh.write({ cp: size, dp_shard: data }),
    };
  }
  const ulysses = zeroOf(run) && !deepspeed && accelerateMesh(run);
  if (!ulysses || attention === undefined || attention === 'eager' || attention === 'flex_attention') return undefined;
  if (!isRecent(run, 'transformers', '5.0') || !isRecent(run, 'deepspeed', '0.18.2')) return undefined;
  return {
    key: 'sp',
    needs: `${NEEDS_MESH}, transformers 5 and deepspeed 0.18.2`,
    padding: 1,
    divides: (size) => dividesHeads(run, size),
    writes: (size) =>
      size === 1
        ? ulysses.write({ sp: 1 })
        : [
            ...ulysses.write({ sp: size }),
            writeTo(accelerate, `${PREFIX}sp_backend`, 'deepspeed'),
            writeTo(accelerate, `${PREFIX}sp_attn_implementation`, attention),
          ],
  };
}

function isSft(run: TrainingRun): boolean {
  return argumentsOf(run).trl && run.method.known && run.method.value === 'sft' && run.method.origin.kind !== 'assumed';
}

/** Query heads come out even; key heads come out even or are shared by whole groups. */
function dividesHeads({ model }: TrainingRun, ranks: number): boolean {
  if (!model.known) return false;
  const shapes = model.value.blocks.flatMap(({ attention }) => attention ?? []);
  return shapes.every(({ heads, kvHeads }) => heads % ranks === 0 && (kvHeads % ranks === 0 || ranks % kvHeads === 0));
}

interface Mesh {
  size(name: string): number;
  write(sizes: Readonly<Record<string, number>>): Write[];
}

/** The mesh of an Accelerate file that runs FSDP2; undefined where its releases do not know one. */
function fsdpMesh(run: TrainingRun, note?: Note): Mesh | undefined {
  const version = fsdpOf(run)?.version;
  if (!version?.known || version.value !== 2) return undefined;
  const mesh = accelerateMesh(run);
  return mesh && isOpen(run, 'mesh', [run.parallelism.context, run.parallelism.tensor], note) ? mesh : undefined;
}

function accelerateMesh(run: TrainingRun): Mesh | undefined {
  const { accelerate } = run.configs;
  if (!accelerate || !isRecent(run, 'accelerate', '1.12') || argumentsOf(run).get('fsdp', 'deepspeed'))
    return undefined;
  const type = stringOf(setting(accelerate, 'distributed_type'));
  if (type !== 'FSDP' && type !== 'DEEPSPEED') return undefined;
  return {
    size: (name) => numberOf(setting(accelerate, `${PREFIX}${name}_size`)) ?? 1,
    write: (sizes) => Object.entries(sizes).map(([name, size]) => writeSize(accelerate, name, size)),
  };
}

function writeSize(accelerate: Config, name: string, size: number): Write {
  return writeTo(accelerate, `${PREFIX}${name}_size`, size);
}

/** What no file states is taken to be recent, and the move's note says what it needs. */
function isRecent(run: TrainingRun, framework: FrameworkName, version: string): boolean {
  const stated = statedVersion(run, framework);
  return stated === undefined || isAtLeast(stated, version);
}
