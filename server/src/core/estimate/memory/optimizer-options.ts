import { ownValue } from '../../own-value';
import { valueIfKnown } from '../../run/known';
import { isOlder } from '../../run/sources';
import type { TrainingRun } from '../../run/training-run';
import type { Corner, Note } from './facts';
import type { LowRank, Projection } from './low-rank';
import type { OptimizerRecord } from './optimizers';

type Options = Readonly<Record<string, string>>;

/** Optimizers of torch that keep one more tensor for some options. */
const TORCH = /^(?:mu)?sgd$|^rmsprop$|^adam$/;

/**
 * The record of an optimizer as `optim_args` or DeepSpeed's `optimizer.params` change it. Of the Trainer's, SGD and RMSprop read them since
 * transformers 5.3 (trainer_optimizer.py:315 there; 5.2.0 returned the class alone), GaLore, APOLLO and AnyPrecision always. What no
 * option can change is the record itself. Counted by test/oracle/record_optimizers.py.
 */
export function withOptions(
  record: OptimizerRecord,
  name: string,
  run: TrainingRun,
  corner: Corner,
  note: Note,
): OptimizerRecord {
  const { options, targets, owner } = run.optimizer;
  if (record.lowRank !== undefined) return { ...record, lowRank: projected(record.lowRank, run, note) };
  if (options === undefined && targets === undefined) return record;
  if (name === 'adamw_anyprecision') return anyPrecision(record, valueIfKnown(options) ?? {});
  if (!TORCH.test(name) || (name === 'adam' && owner !== 'deepspeed')) return record;
  if (options?.known === false) {
    const because = `${options.why}; the band reaches up to one with momentum`;
    if (name !== 'adam') note({ what: 'options of the optimizer', value: 'none', because });
    return corner === 'high' && name !== 'adam' ? withMore(record, name, { momentum: '1', centered: '1' }) : record;
  }
  const more = withMore(record, name, valueIfKnown(options) ?? {});
  if (more === record || owner === 'deepspeed') return more;
  const { transformers } = run.frameworks;
  if (isOlder(transformers, '5.3')) return record;
  if (!transformers?.known) {
    const because =
      'transformers reads optim_args for this optimizer since 5.3 and drops them before, and no file pins the release; the band reaches down to none';
    note({ what: more.label, value: 'kept', because });
    if (corner === 'low') return record;
  }
  return more;
}

/** torch/optim/sgd.py, rmsprop.py and adam.py, `_init_group`: what each keeps is made where its option is on. */
function withMore(record: OptimizerRecord, name: string, options: Options): OptimizerRecord {
  const has = (key: string): boolean => isOn(ownValue(options, key));
  if (name === 'adam') {
    // DeepSpeed's own kernels take no AMSGrad, or keep nothing for it.
    return has('amsgrad') && has('torch_adam') ? { ...record, fp32: 12, half: 6, label: 'AMSGrad moments' } : record;
  }
  if (name !== 'rmsprop') {
    return has('momentum') ? { ...record, fp32: 4, half: 2, label: 'SGD momentum', lists: 0 } : record;
  }
  const added = (has('momentum') ? 1 : 0) + (has('centered') ? 1 : 0);
  if (added === 0) return record;
  const label = ['RMSprop averages', ...(has('momentum') ? ['momentum'] : [])].join(' and ');
  return { ...record, fp32: record.fp32 + 4 * added, half: record.half + 2 * added, label };
}

/** A number other than 0, or a word for true; what is no value of either is taken to be on. */
function isOn(value: string | undefined): boolean {
  if (value === undefined || /^(?:false|no|none|null)$/i.test(value)) return false;
  return Number(value) !== 0;
}

const WIDTHS: Readonly<Record<string, number>> = { float32: 4, float: 4, bfloat16: 2, float16: 2, half: 2, float64: 8 };

/** Types that are named, and a compensation of the weights' rounding (torchdistx optimizers/anyprecision_optimizer.py). */
function anyPrecision(record: OptimizerRecord, options: Options): OptimizerRecord {
  const width = (key: string, usual: number): number => ownValue(WIDTHS, ownValue(options, key)) ?? usual;
  const kahan = isOn(ownValue(options, 'use_kahan_summation')) ? width('compensation_buffer_dtype', 2) : 0;
  const each = width('momentum_dtype', 4) + width('variance_dtype', 4) + kahan;
  return { ...record, fp32: each, half: each };
}

/** Rank and side are read by every release; layers that are not known are the linear ones of the blocks. */
function projected(record: LowRank, { optimizer: { options, targets } }: TrainingRun, note: Note): LowRank {
  if (options?.known === false) {
    note({ what: 'rank of the optimizer', value: '128', because: `${options.why}; it is the default` }, 'none');
  }
  const read = valueIfKnown(options) ?? {};
  const rank = Number(ownValue(read, 'rank'));
  const projection = ownValue(PROJECTIONS, ownValue(read, 'proj_type'));
  return {
    ...record,
    // `proj` is APOLLO's.
    projector: record.projector === 'random' && ownValue(read, 'proj') === 'svd' ? 'singular' : record.projector,
    rank: Number.isSafeInteger(rank) && rank > 0 ? rank : record.rank,
    projection: projection ?? record.projection,
    targets: valueIfKnown(targets),
  };
}

const PROJECTIONS: Readonly<Record<string, Projection>> = {
  std: 'short',
  reverse_std: 'long',
  left: 'left',
  right: 'right',
  full: 'both',
};
