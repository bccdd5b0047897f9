import { known, valueIfKnown } from '../run/known';
import type { TrainingRun } from '../run/training-run';
import { batchChange, perRank } from './batch';
import type { Move } from './move';
import { TRIED } from './settled';

/** What another size of a parallel dimension writes beside the batch, and what else it needs and does. */
export interface Resize {
  readonly dimension: string;
  readonly note: string | undefined;
  readonly own: Pick<Move, 'title' | 'writes'>;
  allows?(run: TrainingRun): boolean;
  /** What it does to the facts besides the ranks. */
  also?(run: TrainingRun): TrainingRun;
}

/**
 * A move to another size of a dimension that data-parallel ranks make room for. Ranks with samples of their own become fewer or more,
 * so accumulation makes up for it and the global batch stays.
 */
export function resized(run: TrainingRun, size: number, dimension: 'context' | 'tensor', move: Resize): Move[] {
  const before = valueIfKnown(run.parallelism[dimension]) ?? 1;
  const comesOutEven = ({ batch }: TrainingRun): boolean => {
    const accumulation = valueIfKnown(batch.accumulation) ?? 0;
    return perRank(batch) > 0 && Number.isInteger((accumulation * size) / before);
  };
  const allows = (it: TrainingRun): boolean => comesOutEven(it) && (move.allows?.(it) ?? true);
  const apply = (it: TrainingRun): TrainingRun => {
    const { parallelism: p, batch } = it;
    const data = ((valueIfKnown(p.data) ?? 1) * before) / size;
    const shares = dimension === 'context' ? data * size : data;
    const accumulation = ((valueIfKnown(batch.accumulation) ?? 1) * size) / before;
    const changed: TrainingRun = {
      ...it,
      parallelism: {
        ...p,
        [dimension]: known(size, TRIED),
        data: known(data, TRIED),
        shard: valueIfKnown(p.shard) === 1 ? p.shard : known(shares, TRIED),
      },
      batch: { ...batch, accumulation: known(accumulation, TRIED) },
    };
    return move.also?.(changed) ?? changed;
  };
  if (!comesOutEven(run)) return [];
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
